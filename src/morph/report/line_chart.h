#pragma once

#include <string>
#include <vector>

namespace morph {

/// A measurement in a chart.
struct ChartPoint {
  double x = 0;  ///< Share of the width, 0 to 1.
  double y = 0;  ///< In the unit of the chart; a point that is not finite interrupts the line.
  std::string tip = {};
  double spread = 0;  ///< Of an error bar to both sides of y, in the same unit; 0 for none.
};

/// Points joined by a line.
struct ChartLine {
  std::string style = {};  ///< Class in style.css: "series-0", "series-1", ….
  std::vector<ChartPoint> points = {};
};

/// A level to be compared with, such as a budget, over part of the width.
struct ChartLevel {
  double from = 0;
  double to = 1;
  double y = 0;
  std::string text = {};  ///< Written under its left end.
  std::string style = {};
};

/// A part of the width that belongs together, such as a phase of training.
struct ChartBand {
  double from = 0;
  double to = 1;
  std::string number = {};  ///< Always written.
  std::string name = {};    ///< Written too where there is room.
};

/// A mark at the horizontal axis.
struct ChartTick {
  double x = 0;
  std::string text = {};
};

/// Lines over one horizontal and one vertical axis.
struct LineChart {
  std::string label = {};  ///< For screen readers.
  std::string unit = {};   ///< Written after the numbers of the vertical axis.
  double height = 170;     ///< Of the plot, in pixels.
  double letters = 100;    ///< That fit across the plot on a desktop.
  bool from_zero = false;  ///< The vertical axis begins at 0.
  std::vector<ChartLine> lines = {};
  std::vector<ChartLevel> levels = {};
  std::vector<ChartBand> bands = {};
  std::vector<ChartTick> ticks = {};
};

/// The chart as a drawing: bands behind, grid, lines, a tooltip at each point.
std::string draw_lines(const LineChart& chart);

/// One line of the legend of a chart.
struct ChartKey {
  std::string style = {};
  std::string text = {};
};

/// The chart with its heading and legend as an SVG file that needs no page around it.
std::string draw_lines_alone(const LineChart& chart,
                             const std::string& heading,
                             const std::vector<ChartKey>& legend);

/// True if some line has a finite point.
bool has_points(const LineChart& chart);

}  // namespace morph
