#include "morph/report/numbers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>

#include "morph/base/error.h"
#include "morph/base/strings.h"

namespace morph {
namespace {

constexpr const char* kMinus = "−";
constexpr const char* kNothing = "–";

// std::to_chars, because printf writes the decimal comma of whatever locale the program has set.
std::string plain(double value, std::chars_format format, int digits) {
  std::array<char, 400> buffer{};
  const auto result =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format, digits);
  MORPH_CHECK(result.ec == std::errc());
  return {buffer.data(), result.ptr};
}

bool is_zero_text(const std::string& text) {
  return text.find_first_of("123456789") == std::string::npos;
}

std::string grouped(std::string digits) {
  for (int64_t at = static_cast<int64_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

}  // namespace

std::string fixed(double value, int digits) {
  if (!std::isfinite(value)) return kNothing;
  const std::string magnitude = plain(std::abs(value), std::chars_format::fixed, digits);
  return (value < 0 && !is_zero_text(magnitude) ? kMinus : "") + magnitude;
}

std::string with_sign(double value, int digits) {
  if (!std::isfinite(value)) return kNothing;
  const std::string text = fixed(value, digits);
  if (is_zero_text(text)) return "±" + text;
  return value > 0 ? "+" + text : text;
}

std::string as_multiple(double share) {
  return std::isfinite(share) ? fixed(share, share < 10 ? 3 : 1) + "×" : kNothing;
}

std::string as_percent(double share) {
  return std::isfinite(share) ? fixed(100 * share, 1) + " %" : kNothing;
}

std::string exact_count(double value) {
  if (!std::isfinite(value)) return kNothing;
  if (value != std::floor(value)) return short_count(value);
  return (value < 0 ? kMinus : "") + grouped(plain(std::abs(value), std::chars_format::fixed, 0));
}

std::string short_count(double value) {
  return std::isfinite(value) ? format_count(value) : kNothing;
}

std::string with_unit(double value, std::string_view unit) {
  constexpr std::array<const char*, 4> kTimes = {"ns", "µs", "ms", "s"};
  constexpr std::array<const char*, 5> kSizes = {"bytes", "kB", "MB", "GB", "TB"};
  std::span<const char* const> units;
  if (unit == "ns") units = kTimes;
  if (unit == "bytes") units = kSizes;
  if (units.empty()) return cat(short_count(value), " ", unit);
  size_t step = 0;
  while (std::abs(value) >= 1000 && step + 1 < units.size()) {
    value /= 1000;
    ++step;
  }
  return cat(short_count(value), " ", units[step]);
}

std::string scientific(double value) {
  return std::isfinite(value) ? plain(value, std::chars_format::scientific, 1) : kNothing;
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds)) return kNothing;
  const int64_t whole = std::llround(std::max(0.0, seconds));
  if (whole < 60) return cat(whole, " s");
  if (whole < 3600) return cat(whole / 60, " min ", whole % 60, " s");
  return cat(whole / 3600, " h ", whole % 3600 / 60, " min");
}

std::string coordinate(double value) {
  if (!std::isfinite(value)) return "0";
  std::string text = plain(value, std::chars_format::fixed, 2);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string percent_coordinate(double share) { return coordinate(100 * share) + "%"; }

}  // namespace morph
