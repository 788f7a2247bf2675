#include "morph/transform/expand.h"

#include <algorithm>
#include <cmath>

#include "morph/analysis/channel_blocks.h"
#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/cost/network_cost.h"
#include "morph/transform/resize.h"

namespace morph {
namespace {

/// A graph's widths, one per block of interchangeable channels, and how they scale.
class Widths {
 public:
  Widths(const Graph& graph, const ExpandOptions& options)
      : graph_(graph),
        groups_(find_channel_groups(graph)),
        blocks_(find_channel_blocks(graph, groups_)),
        round_to_(options.round_to) {
    const std::vector<bool> widenable = widenable_sets(groups_);
    for (const auto& sets : blocks_.sets) {
      free_.push_back(widenable[static_cast<size_t>(sets.front())]);
    }
    if (round_to_ < 1) throw Error(cat("round-to: expected 1 or more, got ", round_to_));
  }

  const ChannelBlocks& blocks() const { return blocks_; }

  /// True if any width can change.
  bool any_free() const { return std::find(free_.begin(), free_.end(), true) != free_.end(); }

  /// By block, the rounded number of channels at `multiplier`.
  std::vector<double> scaled(double multiplier) const {
    std::vector<double> widths;
    for (size_t b = 0; b < blocks_.count(); ++b) {
      const auto width = static_cast<double>(blocks_.sets[b].size());
      widths.push_back(free_[b] ? rounded(width * multiplier) : width);
    }
    return widths;
  }

  Rewrite build(const std::vector<double>& widths) const {
    std::vector<int64_t> copies(static_cast<size_t>(groups_.set_count()), 1);
    for (size_t b = 0; b < blocks_.count(); ++b) {
      const auto& sets = blocks_.sets[b];
      const auto old_width = static_cast<int64_t>(sets.size());
      const auto new_width = static_cast<int64_t>(widths[b]);
      for (int64_t i = 0; i < old_width; ++i) {
        copies[static_cast<size_t>(sets[static_cast<size_t>(i)])] =
            new_width / old_width + (i < new_width % old_width ? 1 : 0);
      }
    }
    return resize_channels(graph_, groups_, copies);
  }

 private:
  double rounded(double width) const {
    const auto step = static_cast<double>(round_to_);
    const double nearest = std::max(1.0, std::floor(width + 0.5));
    if (nearest < step) return nearest;
    return std::max(step, step * std::floor(width / step + 0.5));
  }

  const Graph& graph_;
  ChannelGroups groups_;
  ChannelBlocks blocks_;
  std::vector<bool> free_;  // By block.
  int64_t round_to_;
};

constexpr double kWidestLayer = 0x1p20;

/// The largest multiplier in [low, ∞) at which `fits` still holds, given that it holds at `low` and
/// never again once it has failed; to the last bit that changes a width below 2^20.
template <typename Fits>
double largest_fitting(double low, const Fits& fits) {
  double high = std::max(1.0, 2 * low);
  while (fits(high) && high < 0x1p40) {
    low = high;
    high *= 2;
  }
  while (high - low > 1e-12 * high) {
    const double middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace

Graph scale_widths(const Graph& graph, double multiplier, const ExpandOptions& options) {
  if (!(multiplier > 0) || !std::isfinite(multiplier)) {
    throw Error(cat("width multiplier: expected a positive number, got ", multiplier));
  }
  const Widths widths(graph, options);
  return widths.build(widths.scaled(multiplier)).graph;
}

Expansion expand(const Graph& graph,
                 const CostModel& cost,
                 double budget,
                 const ExpandOptions& options) {
  const Widths widths(graph, options);
  if (!widths.any_free()) {
    throw Error("no width is free to change: every channel is pinned (see `morphnet inspect`)");
  }
  const CostTable table = make_cost_table(graph, widths.blocks(), cost);
  const double smallest = table.total(widths.scaled(1e-12));
  if (smallest > budget) {
    throw Error(cat("budget ",
                    cost.name(),
                    "=",
                    format_count(budget),
                    " cannot be reached: with every free width at its smallest the network costs ",
                    format_count(smallest),
                    " ",
                    cost.unit()));
  }
  const double multiplier = largest_fitting(1e-12, [&](double candidate) {
    const std::vector<double> scaled = widths.scaled(candidate);
    if (*std::max_element(scaled.begin(), scaled.end()) > kWidestLayer) {
      throw Error(cat("budget ",
                      cost.name(),
                      "=",
                      format_count(budget),
                      " is out of all proportion: it would take layers of more than ",
                      format_count(kWidestLayer),
                      " channels"));
    }
    return table.total(scaled) <= budget;
  });
  Rewrite result = widths.build(widths.scaled(multiplier));
  const double total = network_cost(result.graph, cost);
  MORPH_CHECK(total <= budget);
  return {.graph = std::move(result.graph),
          .plan = std::move(result.plan),
          .multiplier = multiplier,
          .cost = total};
}

}  // namespace morph
