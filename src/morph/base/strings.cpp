#include "morph/base/strings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "morph/base/error.h"

namespace morph {
namespace {

template <typename Number>
Number parse_number(std::string_view text, std::string_view what, std::string_view kind) {
  const std::string_view body = trim(text);
  Number value{};
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), value);
  if (error != std::errc() || end != body.data() + body.size()) {
    throw Error(cat(what, ": expected ", kind, ", got '", text, "'"));
  }
  return value;
}

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// Between the words in small letters.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  while (true) {
    const size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += separator;
    text += parts[i];
  }
  return text;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

int64_t parse_int(std::string_view text, std::string_view what) {
  return parse_number<int64_t>(text, what, "an integer");
}

double parse_double(std::string_view text, std::string_view what) {
  const auto value = parse_number<double>(text, what, "a number");
  if (!std::isfinite(value)) throw Error(cat(what, ": expected a finite number, got '", text, "'"));
  return value;
}

double parse_count(std::string_view text, std::string_view what) {
  std::string_view body = trim(text);
  double scale = 1;
  if (!body.empty()) {
    switch (body.back()) {
      case 'k':
      case 'K':
        scale = 1e3;
        break;
      case 'M':
        scale = 1e6;
        break;
      case 'G':
        scale = 1e9;
        break;
      case 'T':
        scale = 1e12;
        break;
      default:
        break;
    }
    if (scale > 1) body.remove_suffix(1);
  }
  return scale * parse_number<double>(body, what, "a count such as 200k, 1.5M or 2.0G");
}

std::string format_count(double value) {
  constexpr std::array<const char*, 5> kSuffixes = {"", " k", " M", " G", " T"};
  size_t step = 0;
  while (std::abs(value) >= 1000 && step + 1 < kSuffixes.size()) {
    value /= 1000;
    ++step;
  }
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.4g%s", value, kSuffixes[step]);
  return buffer.data();
}

std::string closest_match(std::string_view word, std::span<const std::string> known) {
  std::string best;
  size_t best_distance = word.size() / 2 + 1;
  for (const std::string& candidate : known) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> known) {
  const std::string match = closest_match(word, known);
  return match.empty() ? std::string() : cat(" Did you mean '", match, "'?");
}

}  // namespace morph
