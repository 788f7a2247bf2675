#include "morph/analysis/planned_widths.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "morph/base/error.h"

namespace morph {
namespace {

size_t at(ChannelId set) { return static_cast<size_t>(set); }

/// Decides layer by layer how often each set is taken.
class CountsToCopies {
 public:
  CountsToCopies(const Graph& graph, const ChannelGroups& groups, const WidthOptions& options)
      : graph_(graph),
        groups_(groups),
        options_(options),
        copies_(at(groups.set_count()), 1),
        strengths_(options.strengths ? options.strengths(groups)
                                     : std::vector<double>(at(groups.set_count()), 0)),
        decided_by_(at(groups.set_count())) {}

  std::vector<int64_t> run(const AliveCounts& counts) {
    std::vector<std::pair<NodeId, int64_t>> asked;
    for (const auto& [name, count] : counts) asked.emplace_back(graph_.find(name).value(), count);
    // A layer with fewer sets leaves less choice: the parts of a Concat come before what is added
    // to the whole.
    std::stable_sort(asked.begin(), asked.end(), [&](const auto& a, const auto& b) {
      return std::pair(sets_of(a.first).size(), a.first) <
             std::pair(sets_of(b.first).size(), b.first);
    });
    for (const auto& [layer, count] : asked) {
      decide(layer, options_.keep_first ? std::max<int64_t>(count, 1) : count);
    }
    settle_missing(counts);
    return copies_;
  }

 private:
  /// The sets of a layer and how many of its positions each has.
  std::map<ChannelId, int64_t> sets_of(NodeId layer) const {
    std::map<ChannelId, int64_t> positions;
    for (const ChannelId set : groups_.made_by(layer)) ++positions[set];
    return positions;
  }

  void decide(NodeId layer, int64_t count) {
    std::vector<std::pair<ChannelId, int64_t>> open;
    int64_t open_positions = 0;
    int64_t left = count;
    std::optional<NodeId> other;
    for (const auto& [set, positions] : sets_of(layer)) {
      if (decided_by_[at(set)]) {
        other = decided_by_[at(set)];
        left -= positions * copies_[at(set)];
      } else {
        open.emplace_back(set, positions);
        open_positions += positions;
      }
    }
    if (left < 0 || (open.empty() && left != 0)) refuse_conflict(layer, count, *other);
    std::stable_sort(open.begin(), open.end(), [&](const auto& a, const auto& b) {
      return rank(a.first) > rank(b.first);
    });
    const int64_t rounds = open_positions > 0 ? left / open_positions : 0;
    left -= rounds * open_positions;
    for (const auto& [set, positions] : open) {
      const bool takes_one_more = positions <= left;
      copies_[at(set)] = rounds + (takes_one_more ? 1 : 0);
      if (takes_one_more) left -= positions;
      decided_by_[at(set)] = layer;
    }
    if (left != 0) {
      throw Error(cat("structure: '",
                      graph_[layer].name,
                      "' cannot have ",
                      count,
                      " channels: its channels come and go several at a time"));
    }
    check_pins(layer, count);
  }

  /// Pinned sets first, then the strongest.
  std::pair<bool, double> rank(ChannelId set) const {
    return {groups_.pinned(set).has_value(), strengths_[at(set)]};
  }

  void check_pins(NodeId layer, int64_t count) const {
    for (const ChannelId set : groups_.made_by(layer)) {
      if (copies_[at(set)] > 0 || !groups_.pinned(set)) continue;
      throw Error(cat("structure: '",
                      graph_[layer].name,
                      "' cannot have only ",
                      count,
                      " channels: ",
                      *groups_.pinned(set)));
    }
  }

  [[noreturn]] void refuse_conflict(NodeId layer, int64_t count, NodeId other) const {
    throw Error(cat("structure: '",
                    graph_[layer].name,
                    "' is to have ",
                    count,
                    " channels, which does not go with those of '",
                    graph_[other].name,
                    "', which it is tied to: tied layers live and die together"));
  }

  void settle_missing(const AliveCounts& counts) {
    for (const NodeId id : deciding_layers(graph_, groups_)) {
      if (counts.count(graph_[id].name) != 0) continue;
      if (options_.missing == MissingLayers::kRefuse) refuse_missing(graph_[id].name);
      if (options_.missing == MissingLayers::kKeep) continue;
      for (const ChannelId set : groups_.made_by(id)) {
        if (!decided_by_[at(set)] && !groups_.pinned(set)) copies_[at(set)] = 0;
      }
    }
  }

  const Graph& graph_;
  const ChannelGroups& groups_;
  const WidthOptions& options_;
  std::vector<int64_t> copies_;
  std::vector<double> strengths_;
  std::vector<std::optional<NodeId>> decided_by_;
};

}  // namespace

bool PlannedWidths::widens() const {
  return std::any_of(copies.begin(), copies.end(), [](int64_t count) { return count > 1; });
}

std::vector<bool> PlannedWidths::alive() const {
  std::vector<bool> result;
  for (const int64_t count : copies) result.push_back(count > 0);
  return result;
}

std::vector<int64_t> copies_for_counts(const Graph& graph,
                                       const ChannelGroups& groups,
                                       const AliveCounts& counts,
                                       const WidthOptions& options) {
  return CountsToCopies(graph, groups, options).run(counts);
}

PlannedWidths plan_widths(const Graph& graph,
                          const nlohmann::json& structure,
                          const WidthOptions& options) {
  PlannedWidths plan;
  if (structure.is_object() && structure.contains("format")) {
    plan.groups = find_channel_groups(graph);
    const std::vector<bool> alive =
        alive_sets(graph, plan.groups, structure_from_json(structure), options.missing);
    plan.copies.assign(alive.begin(), alive.end());
    return plan;
  }
  plan.groups = find_channel_groups(graph, {.outputs = OutputChannels::kFree});
  const AliveCounts counts = counts_by_layer(graph, plan.groups, alive_counts_from_json(structure));
  plan.copies = copies_for_counts(graph, plan.groups, counts, options);
  return plan;
}

}  // namespace morph
