#include "morph/report/layer_bars.h"

#include <algorithm>
#include <span>

#include "morph/base/error.h"
#include "morph/report/numbers.h"
#include "morph/report/resources.h"
#include "morph/report/svg.h"

namespace morph {
namespace {

constexpr size_t kLabelLetters = 22;
constexpr double kAxisHeight = 24;

struct RowShape {
  double height;
  double font_size;
};

/// A network of 9 layers gets generous bars, one of 160 still fits on a screen or two.
RowShape row_shape(size_t rows) {
  if (rows <= 12) return {27, 12};
  if (rows <= 28) return {21, 11.5};
  if (rows < kLayersInOneColumn) return {17, 11};
  return {15, 10.5};
}

/// Code points, for a column's width is counted in letters and names may be UTF-8.
std::vector<size_t> letter_starts(const std::string& text) {
  std::vector<size_t> starts;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) starts.push_back(i);
  }
  return starts;
}

int64_t letters(const std::string& text) {
  return static_cast<int64_t>(letter_starts(text).size());
}

double longest_bar(const std::vector<BarRow>& rows) {
  double longest = 0;
  for (const BarRow& row : rows) {
    longest = std::max({longest, row.seed, row.learned, row.expanded.value_or(0)});
  }
  return longest;
}

/// From the learned width to the expanded one; a bar would hide the seed's.
std::string whisker(double from, double to, double y, double height) {
  return level_line(from, to, y + height / 2, "expanded") +
         element("svg",
                 {{"x", percent_coordinate(to)}, {"y", coordinate(y)}, {"overflow", "visible"}},
                 upright_line(0, height, "expanded cap"));
}

std::string bars_of(const BarRow& row, const Axis& axis, double y, double height) {
  std::string bars;
  const auto add = [&](double value, const std::string& style) {
    if (value > 0) bars += bar({axis.share(value), y, height, style});
  };
  add(row.seed, "seed " + row.style);
  add(row.learned, "learned " + row.style);
  if (row.expanded && *row.expanded != row.learned)
    bars += whisker(axis.share(row.learned), axis.share(*row.expanded), y, height);
  return bars;
}

std::string draw_row(const BarRow& row, const Axis& axis, double top, double height) {
  const double baseline = top + height / 2 + 3.8;
  std::string inside = tooltip(row.tip);
  inside += leaf("rect",
                 {{"class", "hit"},
                  {"width", "100%"},
                  {"y", coordinate(top)},
                  {"height", coordinate(height)}});
  inside += element("text",
                    {{"class", "label"}, {"x", "-9"}, {"y", coordinate(baseline)}},
                    escape(shorten(row.label, kLabelLetters)));
  inside += bars_of(row, axis, top + 0.14 * height, 0.72 * height);
  const std::string remark = element("tspan", {{"class", "remark"}}, escape(row.remark));
  inside += element("text",
                    {{"class", "figures"}, {"x", "100%"}, {"dx", "9"}, {"y", coordinate(baseline)}},
                    escape(row.figures) + (row.remark.empty() ? "" : remark));
  return element("g", {{"class", "row " + row.style}}, inside);
}

std::string grid(const Axis& axis, const BarFigure& figure, double height) {
  std::string lines;
  for (const double tick : axis.ticks) {
    const double share = axis.share(tick);
    lines += upright_line(share, height, tick == 0 ? "zero" : "grid");
    lines += text_at({percent_coordinate(share), -8, "tick middle"}, axis.text(tick) + figure.unit);
  }
  return lines;
}

PlotArea area_for(std::span<const BarRow> rows, const RowShape& shape) {
  PlotArea area;
  area.above = kAxisHeight;
  area.below = 4;
  area.height = shape.height * static_cast<double>(rows.size());
  area.font_size = shape.font_size;
  for (const BarRow& row : rows) {
    const std::string label = shorten(row.label, kLabelLetters);
    area.letters_before = std::max(area.letters_before, letters(label));
    area.letters_after = std::max(area.letters_after, letters(row.figures + row.remark));
  }
  return area;
}

std::string draw_column(const BarFigure& figure,
                        std::span<const BarRow> rows,
                        const Axis& axis,
                        const std::string& label) {
  const RowShape shape = row_shape(figure.rows.size());
  const PlotArea area = area_for(rows, shape);
  std::string content = grid(axis, figure, area.height);
  double top = 0;
  for (const BarRow& row : rows) {
    content += "\n" + draw_row(row, axis, top, shape.height);
    top += shape.height;
  }
  return drawing(area, label, content);
}

}  // namespace

std::string draw_bars(const BarFigure& figure) {
  const std::span<const BarRow> rows = figure.rows;
  const Axis axis = bar_axis(longest_bar(figure.rows), 4);
  if (rows.size() < kLayersInOneColumn) {
    return element("div", {{"class", "bars"}}, draw_column(figure, rows, axis, figure.label));
  }
  const size_t half = (rows.size() + 1) / 2;
  const std::string first =
      draw_column(figure, rows.first(half), axis, figure.label + " First half of the layers.");
  const std::string second =
      draw_column(figure, rows.subspan(half), axis, figure.label + " Second half of the layers.");
  return element("div", {{"class", "bars two"}}, first + second);
}

std::string bar_style(const LayerFigures& layer) {
  if (is_removed(layer)) return "removed";
  return layer.pinned.empty() ? "free" : "pinned";
}

std::string shorten(const std::string& name, size_t letters) {
  const std::vector<size_t> starts = letter_starts(name);
  if (starts.size() <= letters) return name;
  const size_t head = (letters - 1) / 2;
  const size_t tail = letters - 1 - head;
  return name.substr(0, starts[head]) + "…" + name.substr(starts[starts.size() - tail]);
}

}  // namespace morph
