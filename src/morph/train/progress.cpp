#include "morph/train/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <utility>

#include "morph/base/strings.h"

namespace morph {
namespace {

constexpr std::string_view kBackAndClear = "\r\x1b[K";

std::string fixed(double value, int width, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%*.*f", width, decimals, value);
  return text;
}

std::string integer(int64_t value, size_t width) {
  const std::string digits = std::to_string(value);
  return std::string(width > digits.size() ? width - digits.size() : 0, ' ') + digits;
}

/// "3/30", the first number padded to the width of the second.
std::string out_of(int64_t part, int64_t whole) {
  return cat(integer(part, std::to_string(whole).size()), "/", whole);
}

std::string padded(std::string text, size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string format_number(double value) {
  if (std::abs(value) >= 1000) return format_count(value);
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

/// Numbers and words; lists and objects are for the run's record.
std::string format_extra(const nlohmann::json& extra) {
  std::string text;
  for (const auto& [key, value] : extra.items()) {
    if (value.is_number()) text += cat("  ", key, " ", padded(format_number(value), 8));
    if (value.is_string()) text += cat("  ", key, " ", value.get<std::string>());
  }
  return text;
}

std::string without_trailing_blanks(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string bar(int64_t part, int64_t whole) {
  constexpr int64_t kWidth = 10;
  const int64_t full = whole > 0 ? kWidth * part / whole : 0;
  return cat("[",
             std::string(static_cast<size_t>(full), '='),
             std::string(static_cast<size_t>(kWidth - full), ' '),
             "]");
}

std::string rate(double images_per_second) { return fixed(images_per_second, 6, 0) + " img/s"; }

std::string step_line(const StepReport& report, const std::string& picture) {
  return cat(out_of(report.epoch, report.epochs),
             "  ",
             picture,
             out_of(report.step, report.steps),
             "  loss ",
             fixed(report.loss, 6, 4),
             "  top1 ",
             fixed(report.top1, 5, 2),
             " %  ",
             rate(report.images_per_second),
             "  ETA ",
             format_duration(report.eta_seconds));
}

std::string epoch_line(const EpochReport& report) {
  return cat(out_of(report.epoch, report.epochs),
             "  loss ",
             fixed(report.loss, 6, 4),
             "  train ",
             fixed(report.train_top1, 5, 2),
             " %  test ",
             fixed(report.test.top1, 5, 2),
             " %  ",
             rate(report.images_per_second),
             "  ",
             padded(format_duration(report.seconds), 8));
}

}  // namespace

std::string format_duration(double seconds) {
  const int64_t whole = std::isfinite(seconds) ? std::llround(std::max(0.0, seconds)) : 0;
  char text[64];
  if (whole < 60) {
    std::snprintf(text, sizeof text, "%lld s", static_cast<long long>(whole));
  } else if (whole < 3600) {
    std::snprintf(text,
                  sizeof text,
                  "%lld:%02lld",
                  static_cast<long long>(whole / 60),
                  static_cast<long long>(whole % 60));
  } else {
    std::snprintf(text,
                  sizeof text,
                  "%lld:%02lld:%02lld",
                  static_cast<long long>(whole / 3600),
                  static_cast<long long>(whole / 60 % 60),
                  static_cast<long long>(whole % 60));
  }
  return text;
}

ProgressPrinter::ProgressPrinter(std::ostream& out, ProgressOptions options)
    : out_(out), options_(std::move(options)), last_line_(std::chrono::steady_clock::now()) {}

void ProgressPrinter::on_step(const StepReport& report) {
  if (options_.target == ProgressTarget::kTerminal) {
    const std::string picture = bar(report.step, report.steps) + " ";
    const std::string line =
        without_trailing_blanks(cat(options_.label, "  ", step_line(report, picture), extra_));
    out_ << kBackAndClear << line.substr(0, options_.columns) << std::flush;
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  const double waited = std::chrono::duration<double>(now - last_line_).count();
  if (waited < options_.seconds_between_lines || report.step == report.steps) return;
  last_line_ = now;
  out_ << without_trailing_blanks(cat(options_.label, "  ", step_line(report, "step "), extra_))
       << std::endl;
}

void ProgressPrinter::on_epoch(EpochReport& report) {
  extra_ = format_extra(report.extra);
  if (options_.target == ProgressTarget::kTerminal) out_ << kBackAndClear;
  out_ << without_trailing_blanks(cat(options_.label, "  ", epoch_line(report), extra_))
       << std::endl;
  last_line_ = std::chrono::steady_clock::now();
}

}  // namespace morph
