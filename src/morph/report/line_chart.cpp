#include "morph/report/line_chart.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "morph/base/error.h"
#include "morph/report/assets.h"
#include "morph/report/html.h"
#include "morph/report/numbers.h"
#include "morph/report/svg.h"

namespace morph {
namespace {

constexpr double kTop = 26;     // Room for the names of the bands.
constexpr double kBottom = 26;  // Room for the numbers of the horizontal axis.
constexpr double kViewWidth = 1000;

class Plot {
 public:
  explicit Plot(const LineChart& chart) : chart_(chart), axis_(axis_for(chart)) {}

  /// All that is in the plot and around it.
  std::string content() const {
    std::string content = bands() + grid() + ticks() + levels();
    for (const ChartLine& line : chart_.lines) content += polylines(line);
    for (const ChartLine& line : chart_.lines) content += points(line);
    return content;
  }

  std::string draw() const {
    const PlotArea area = {.height = chart_.height,
                           .above = kTop,
                           .below = kBottom,
                           .letters_before = 6,
                           .letters_after = 1,
                           .font_size = 11.5};
    return drawing(area, chart_.label, content());
  }

 private:
  static Axis axis_for(const LineChart& chart) {
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    const auto include = [&](double value) {
      if (!std::isfinite(value)) return;
      low = std::min(low, value);
      high = std::max(high, value);
    };
    if (chart.from_zero) include(0);
    for (const ChartLine& line : chart.lines) {
      for (const ChartPoint& point : line.points) {
        include(point.y - point.spread);
        include(point.y + point.spread);
      }
    }
    for (const ChartLevel& level : chart.levels) include(level.y);
    return curve_axis(low, high, 5);
  }

  double height_of(double value) const { return chart_.height * (1 - axis_.share(value)); }

  std::string bands() const {
    std::string text;
    for (size_t i = 0; i < chart_.bands.size(); ++i) {
      const ChartBand& band = chart_.bands[i];
      text += leaf("rect",
                   {{"class", i % 2 == 0 ? "band" : "band other"},
                    {"x", percent_coordinate(band.from)},
                    {"width", percent_coordinate(band.to - band.from)},
                    {"y", coordinate(-kTop)},
                    {"height", coordinate(chart_.height + kTop)}});
      text += band_text(band);
    }
    return text;
  }

  /// The number always, the name where the band is wide enough for it on a desktop.
  std::string band_text(const ChartBand& band) const {
    std::string text = escape(band.number);
    const double room = (band.to - band.from) * chart_.letters - 4;
    if (static_cast<double>(band.name.size()) <= room) {
      text += element("tspan", {{"class", "remark"}}, escape(" " + band.name));
    }
    return element("text",
                   {{"class", "band-name middle"},
                    {"x", percent_coordinate((band.from + band.to) / 2)},
                    {"y", "-9"}},
                   text);
  }

  std::string grid() const {
    std::string text;
    for (const double tick : axis_.ticks) {
      const double y = height_of(tick);
      text += level_line(0, 1, y, tick == axis_.low ? "zero" : "grid");
      text += text_at({"-8", y + 4, "tick end"}, axis_.text(tick) + chart_.unit);
    }
    return text;
  }

  std::string ticks() const {
    std::string text;
    for (const ChartTick& tick : chart_.ticks) {
      text += text_at({percent_coordinate(tick.x), chart_.height + 17, "tick middle"}, tick.text);
    }
    return text;
  }

  std::string levels() const {
    std::string text;
    for (const ChartLevel& level : chart_.levels) {
      const double y = height_of(level.y);
      text += level_line(level.from, level.to, y, "level " + level.style);
      text += element("text",
                      {{"class", "level-name " + level.style},
                       {"x", percent_coordinate(level.from)},
                       {"dx", "5"},
                       {"y", coordinate(y + 14)}},
                      escape(level.text));
    }
    return text;
  }

  /// Lines know no percentages, so they get a view of their own that stretches sideways.
  std::string polylines(const ChartLine& line) const {
    std::string paths;
    std::string corners;
    const auto finish = [&] {
      if (corners.find(' ') != std::string::npos) {
        paths += leaf("polyline", {{"class", "curve " + line.style}, {"points", corners}});
      }
      corners.clear();
    };
    for (const ChartPoint& point : line.points) {
      if (std::isfinite(point.y)) {
        corners += cat(corners.empty() ? "" : " ",
                       coordinate(kViewWidth * point.x),
                       ",",
                       coordinate(height_of(point.y)));
      } else {
        finish();
      }
    }
    finish();
    if (paths.empty()) return {};
    return element("svg",
                   {{"viewBox", cat("0 0 ", kViewWidth, " ", coordinate(chart_.height))},
                    {"preserveAspectRatio", "none"},
                    {"width", "100%"},
                    {"height", coordinate(chart_.height)},
                    {"overflow", "visible"}},
                   paths);
  }

  std::string points(const ChartLine& line) const {
    std::string text;
    const std::string size = line.points.size() <= 25 ? "3" : "1";
    for (const ChartPoint& point : line.points) {
      if (!std::isfinite(point.y)) continue;
      const std::string x = percent_coordinate(point.x);
      const std::string y = coordinate(height_of(point.y));
      const std::string dot =
          leaf("circle", {{"class", "dot " + line.style}, {"cx", x}, {"cy", y}, {"r", size}});
      const std::string hit = leaf("circle", {{"class", "hit"}, {"cx", x}, {"cy", y}, {"r", "8"}});
      text += element(
          "g", {{"class", "point"}}, tooltip(point.tip) + error_bar(line, point) + dot + hit);
    }
    return text;
  }

  std::string error_bar(const ChartLine& line, const ChartPoint& point) const {
    if (!(point.spread > 0)) return {};
    const std::string x = percent_coordinate(point.x);
    const std::string top = coordinate(height_of(point.y + point.spread));
    const std::string bottom = coordinate(height_of(point.y - point.spread));
    return leaf(
        "line",
        {{"class", "spread " + line.style}, {"x1", x}, {"x2", x}, {"y1", top}, {"y2", bottom}});
  }

  const LineChart& chart_;
  Axis axis_;
};

constexpr double kAloneWidth = 800;  // Pixels, like what follows: of a chart in a file of its own.
constexpr double kAloneLeft = 70;
constexpr double kAloneRight = 30;
constexpr double kAloneTop = 84;
constexpr double kAloneBottom = 48;

std::string legend_of(const std::vector<ChartKey>& legend) {
  constexpr double kLetter = 7.5;
  std::string text;
  double x = kAloneLeft;
  for (const ChartKey& key : legend) {
    text += leaf("line",
                 {{"class", "curve " + key.style},
                  {"x1", coordinate(x)},
                  {"x2", coordinate(x + 20)},
                  {"y1", "54"},
                  {"y2", "54"}});
    text += text_at({coordinate(x + 26), 58, "tick key"}, key.text);
    x += 50 + kLetter * static_cast<double>(key.text.size());
  }
  return text;
}

}  // namespace

std::string draw_lines(const LineChart& chart) { return Plot(chart).draw(); }

std::string draw_lines_alone(const LineChart& chart,
                             const std::string& heading,
                             const std::vector<ChartKey>& legend) {
  const double height = kAloneTop + chart.height + kAloneBottom;
  const std::string width = coordinate(kAloneWidth);
  std::string content = element("style", {}, kReportStyle);
  content += leaf("rect", {{"class", "sheet"}, {"width", width}, {"height", coordinate(height)}});
  content += text_at({coordinate(kAloneLeft), 30, "heading"}, heading);
  content += legend_of(legend);
  content += element("svg",
                     {{"x", coordinate(kAloneLeft)},
                      {"y", coordinate(kAloneTop)},
                      {"width", coordinate(kAloneWidth - kAloneLeft - kAloneRight)},
                      {"height", coordinate(chart.height)},
                      {"overflow", "visible"}},
                     Plot(chart).content());
  return element("svg",
                 {{"xmlns", "http://www.w3.org/2000/svg"},
                  {"class", "alone"},
                  {"role", "img"},
                  {"aria-label", chart.label},
                  {"viewBox", cat("0 0 ", width, " ", coordinate(height))},
                  {"width", width},
                  {"height", coordinate(height)}},
                 content) +
         "\n";
}

bool has_points(const LineChart& chart) {
  return std::any_of(chart.lines.begin(), chart.lines.end(), [](const ChartLine& line) {
    return std::any_of(line.points.begin(), line.points.end(), [](const ChartPoint& point) {
      return std::isfinite(point.y);
    });
  });
}

}  // namespace morph
