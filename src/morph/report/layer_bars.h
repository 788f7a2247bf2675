#pragma once

#include <optional>
#include <string>
#include <vector>

#include "morph/report/report.h"

namespace morph {

/// One layer of a bar figure: the seed's bar in light, the learned one dark on top of it.
struct BarRow {
  std::string label = {};
  std::string figures = {};  ///< At the right of the bar.
  std::string remark = {};   ///< After the figures where there is room.
  std::string tip = {};      ///< All there is to say, in a tooltip.
  std::string style = {};    ///< "free", "pinned" or "removed".
  double seed = 0;
  double learned = 0;
  std::optional<double> expanded = {};  ///< Drawn as a whisker from `learned`.
};

/// Horizontal bars over one axis for any number of layers.
struct BarFigure {
  std::string label = {};  ///< For screen readers: what the figure shows.
  std::vector<BarRow> rows = {};
  std::string unit = {};  ///< Written after the numbers of the axis.
};

/// From this number of layers on a figure has two columns.
inline constexpr size_t kLayersInOneColumn = 44;

/// The figure as one drawing, or, from `kLayersInOneColumn` rows on, as two beside each other with
/// the same axis.
std::string draw_bars(const BarFigure& figure);

/// How the bars of a layer are drawn: "free", "pinned" or "removed".
std::string bar_style(const LayerFigures& layer);

/// `name` in at most `letters` letters, with … in the middle if it had more.
std::string shorten(const std::string& name, size_t letters);

}  // namespace morph
