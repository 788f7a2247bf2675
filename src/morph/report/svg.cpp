#include "morph/report/svg.h"

#include <algorithm>
#include <cmath>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/report/numbers.h"

namespace morph {
namespace {

/// The smallest 1, 2 or 5 times a power of ten that covers `span` in at most `steps` steps.
double nice_step(double span, int64_t steps) {
  const double raw = span / static_cast<double>(std::max<int64_t>(1, steps));
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  // A hair of slack, so that a span of 0.3 in 3 steps is 0.1 despite its last binary digit.
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

void add_ticks(Axis& axis) {
  const double slack = 1e-9;
  const auto first = static_cast<int64_t>(std::ceil(axis.low / axis.step - slack));
  const auto last = static_cast<int64_t>(std::floor(axis.high / axis.step + slack));
  for (int64_t i = first; i <= last; ++i) axis.ticks.push_back(static_cast<double>(i) * axis.step);
}

double finite_or_zero(double value) { return std::isfinite(value) ? value : 0; }

}  // namespace

std::string Axis::text(double tick) const {
  if (std::abs(tick) >= 1000) return format_count(tick);
  const int digits = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
  return digits > 4 && tick != 0 ? scientific(tick) : fixed(tick, std::min(digits, 4));
}

Axis bar_axis(double high, int64_t ticks) {
  Axis axis;
  axis.high = std::isfinite(high) && high > 0 ? high : 1;
  axis.step = nice_step(axis.high, ticks);
  add_ticks(axis);
  return axis;
}

Axis curve_axis(double low, double high, int64_t ticks) {
  Axis axis;
  low = finite_or_zero(low);
  high = finite_or_zero(high);
  if (!(low < high)) {
    const double margin = low == 0 ? 1 : 0.05 * std::abs(low);
    high = low + margin;
    low -= low == 0 ? 0 : margin;
  }
  axis.step = nice_step(high - low, ticks);
  axis.low = axis.step * std::floor(low / axis.step + 1e-9);
  axis.high = axis.step * std::ceil(high / axis.step - 1e-9);
  add_ticks(axis);
  return axis;
}

std::string drawing(const PlotArea& area, std::string_view label, std::string_view content) {
  const std::string style = cat("--before:",
                                area.letters_before,
                                ";--after:",
                                area.letters_after,
                                ";margin-top:",
                                coordinate(area.above),
                                "px;margin-bottom:",
                                coordinate(area.below),
                                "px;font-size:",
                                coordinate(area.font_size),
                                "px");
  return element("svg",
                 {{"xmlns", "http://www.w3.org/2000/svg"},
                  {"class", "drawing"},
                  {"role", "img"},
                  {"aria-label", std::string(label)},
                  {"style", style},
                  {"height", coordinate(area.height)}},
                 content);
}

std::string text_at(const TextAt& place, std::string_view text) {
  return element(
      "text", {{"x", place.x}, {"y", coordinate(place.y)}, {"class", place.style}}, escape(text));
}

std::string bar(const Bar& bar) {
  return leaf("rect",
              {{"class", "bar " + bar.style},
               {"width", percent_coordinate(bar.share)},
               {"y", coordinate(bar.y)},
               {"height", coordinate(bar.height)},
               {"rx", "1.5"}});
}

std::string level_line(double from, double to, double y, std::string_view style) {
  return leaf("line",
              {{"class", std::string(style)},
               {"x1", percent_coordinate(from)},
               {"x2", percent_coordinate(to)},
               {"y1", coordinate(y)},
               {"y2", coordinate(y)}});
}

std::string upright_line(double share, double height, std::string_view style) {
  return leaf("line",
              {{"class", std::string(style)},
               {"x1", percent_coordinate(share)},
               {"x2", percent_coordinate(share)},
               {"y1", "0"},
               {"y2", coordinate(height)}});
}

std::string tooltip(std::string_view text) { return element("title", {}, escape(text)); }

}  // namespace morph
