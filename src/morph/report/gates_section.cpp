#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "morph/base/error.h"
#include "morph/report/html.h"
#include "morph/report/numbers.h"
#include "morph/report/sections.h"
#include "morph/report/svg.h"

namespace morph {
namespace {

constexpr double kRowHeight = 9;
constexpr double kTop = 26;  // Room for the names of the phases.

/// One epoch with a histogram.
struct Column {
  const Phase* phase = nullptr;
  const EpochFigures* epoch = nullptr;

  const GateHistogram& gates() const { return *epoch->gates; }
};

bool same_bins(const GateHistogram& one, const GateHistogram& other) {
  return one.lowest == other.lowest && one.per_decade == other.per_decade &&
         one.counts.size() == other.counts.size();
}

bool is_drawable(const GateHistogram& gates) {
  return gates.lowest > 0 && gates.per_decade > 0 && gates.counts.size() > 2;
}

/// Epochs whose histograms have the intervals of the first.
std::vector<Column> columns_of(const RunReport& run) {
  std::vector<Column> columns;
  for (const Phase& phase : run.phases) {
    for (const EpochFigures& epoch : phase.epochs) {
      if (!epoch.gates || !is_drawable(*epoch.gates)) continue;
      if (!columns.empty() && !same_bins(*epoch.gates, columns.front().gates())) continue;
      columns.push_back({&phase, &epoch});
    }
  }
  return columns;
}

class HeatStrip {
 public:
  HeatStrip(std::vector<Column> columns, std::optional<double> threshold)
      : columns_(std::move(columns)), threshold_(threshold) {}

  std::string draw() const {
    const PlotArea area = {.height = height(),
                           .above = kTop,
                           .below = 26,
                           .letters_before = 7,
                           .letters_after = 1,
                           .font_size = 11.5};
    std::string content = phase_names();
    for (size_t i = 0; i < columns_.size(); ++i) content += draw_column(i) + "\n";
    return drawing(area,
                   "How many gates have which size after each epoch, on a logarithmic scale.",
                   content + scale() + epoch_numbers() + threshold_line());
  }

 private:
  const GateHistogram& bins() const { return columns_.front().gates(); }
  double rows() const { return static_cast<double>(bins().counts.size()); }
  double height() const { return kRowHeight * rows(); }
  double share(size_t column) const {
    return static_cast<double>(column) / static_cast<double>(columns_.size());
  }

  /// Where a gate of this size stands; those out of the scale in the middle of their row.
  double height_of(double gate) const {
    const double steps = std::log10(gate / bins().lowest) * static_cast<double>(bins().per_decade);
    return height() - kRowHeight * std::clamp(1 + steps, 0.5, rows() - 0.5);
  }

  static int64_t total(const GateHistogram& gates) {
    return std::accumulate(gates.counts.begin(), gates.counts.end(), int64_t{0});
  }

  std::string draw_column(size_t at) const {
    const GateHistogram& gates = columns_[at].gates();
    const int64_t most = std::ranges::max(gates.counts);
    std::string cells = tooltip(tip(columns_[at]));
    cells += cell(at, 0, height(), "hit", 1);
    for (size_t row = 0; row < gates.counts.size(); ++row) {
      if (gates.counts[row] == 0) continue;
      const double heat =
          std::sqrt(static_cast<double>(gates.counts[row]) / static_cast<double>(most));
      const double top = height() - kRowHeight * static_cast<double>(row + 1);
      cells += cell(at, top, kRowHeight, "heat", 0.08 + 0.92 * heat);
    }
    return element("g", {{"class", "row"}}, cells);
  }

  std::string cell(size_t at, double top, double tall, const char* style, double opacity) const {
    return leaf("rect",
                {{"class", style},
                 {"x", percent_coordinate(share(at))},
                 {"width", percent_coordinate(share(1))},
                 {"y", coordinate(top)},
                 {"height", coordinate(tall)},
                 {"fill-opacity", coordinate(opacity)}});
  }

  std::string tip(const Column& column) const {
    const GateHistogram& gates = column.gates();
    std::string text =
        cat(column.phase->name, ", epoch ", column.epoch->epoch, "\n", total(gates), " gates");
    int64_t below = 0;
    for (size_t row = 0; row < gates.counts.size(); ++row) {
      below += gates.counts[row];
      if (row % static_cast<size_t>(gates.per_decade) != 0 || row + 1 == gates.counts.size())
        continue;
      text += cat("\n", below, " below ", edge_text(row));
    }
    return text;
  }

  /// The upper edge of a row.
  std::string edge_text(size_t row) const {
    const double steps = static_cast<double>(row) / static_cast<double>(bins().per_decade);
    return short_count(bins().lowest * std::pow(10.0, steps));
  }

  std::string scale() const {
    std::string text = level_line(0, 1, height(), "zero");
    for (size_t row = 0; row + 1 < bins().counts.size();
         row += static_cast<size_t>(bins().per_decade)) {
      const double y = height() - kRowHeight * static_cast<double>(row + 1);
      text += level_line(0, 1, y, "grid");
      text += text_at({"-8", y + 4, "tick end"}, edge_text(row));
    }
    return text;
  }

  std::string epoch_numbers() const {
    std::string text;
    for (const double tick : bar_axis(static_cast<double>(columns_.size()), 8).ticks) {
      const auto epoch = static_cast<size_t>(tick);
      if (epoch == 0 || static_cast<double>(epoch) != tick) continue;
      const double middle = share(epoch) - share(1) / 2;
      text += text_at({percent_coordinate(middle), height() + 17, "tick middle"}, cat(epoch));
    }
    return text;
  }

  std::string phase_names() const {
    std::string text;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0 && columns_[i].phase == columns_[i - 1].phase) continue;
      text += text_at({percent_coordinate(share(i)), -9, "band-name"}, columns_[i].phase->name);
    }
    return text;
  }

  std::string threshold_line() const {
    if (!threshold_ || !(*threshold_ > 0)) return {};
    const double y = height_of(*threshold_);
    return level_line(0, 1, y, "level") +
           text_at({"5", y - 5, "level-name"}, "cut at " + short_count(*threshold_));
  }

  std::vector<Column> columns_;
  std::optional<double> threshold_;
};

}  // namespace

std::string gates_section(const RunReport& run) {
  std::vector<Column> columns = columns_of(run);
  if (columns.empty()) return section("gates", "Gates", quiet("No gates recorded."));
  const std::string caption =
      "Sizes of the gates after each epoch of learning the structure, on a logarithmic scale: the "
      "stronger the colour, the more gates. Those that end below the line were cut.";
  return section("gates",
                 "Gates",
                 quiet(caption) + element("div",
                                          {{"class", "chart"}},
                                          HeatStrip(std::move(columns), run.threshold).draw()));
}

}  // namespace morph
