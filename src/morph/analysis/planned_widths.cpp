#include "morph/analysis/planned_widths.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
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
    std::vector<Asked> asked;
    for (const auto& [name, count] : counts) {
      asked.push_back(
          {graph_.find(name).value(), options_.keep_first ? std::max<int64_t>(count, 1) : count});
    }
    // What leaves no choice comes first, then the layer that leaves the least: the parts of a
    // Concat before what is added to the whole.
    while (!asked.empty()) {
      const auto next = std::ranges::min_element(
          asked, {}, [&](const Asked& layer) { return std::pair(choice(layer), layer.layer); });
      decide(*next);
      asked.erase(next);
    }
    settle_missing(counts);
    return copies_;
  }

 private:
  /// How many channels the file gives a layer.
  struct Asked {
    NodeId layer = {};
    int64_t count = 0;
  };

  /// What is not decided of a layer yet.
  struct Open {
    std::vector<std::pair<ChannelId, int64_t>> sets = {};  // With their numbers of positions.
    int64_t positions = 0;                                 // Of all of them.
    int64_t left = 0;                                      // How many are to be kept.
    std::optional<NodeId> other = {};                      // A layer that decided the rest.
  };

  /// The sets of a layer and how many of its positions each has.
  std::map<ChannelId, int64_t> sets_of(NodeId layer) const {
    std::map<ChannelId, int64_t> positions;
    for (const ChannelId set : groups_.made_by(layer)) ++positions[set];
    return positions;
  }

  Open open_part(const Asked& asked) const {
    Open open{.left = asked.count};
    for (const auto& [set, positions] : sets_of(asked.layer)) {
      if (decided_by_[at(set)]) {
        open.other = decided_by_[at(set)];
        open.left -= positions * copies_[at(set)];
      } else {
        open.sets.emplace_back(set, positions);
        open.positions += positions;
      }
    }
    return open;
  }

  /// In how many sets the layer leaves a choice.
  size_t choice(const Asked& asked) const {
    const Open open = open_part(asked);
    return open.left <= 0 || open.left == open.positions ? 0 : open.sets.size();
  }

  void decide(const Asked& asked) {
    Open open = open_part(asked);
    if (open.left < 0 || (open.sets.empty() && open.left != 0)) {
      refuse_conflict(asked, *open.other);
    }
    std::ranges::stable_sort(
        open.sets, std::greater<>(), [&](const auto& entry) { return rank(entry.first); });
    const int64_t rounds = open.positions > 0 ? open.left / open.positions : 0;
    open.left -= rounds * open.positions;
    for (const auto& [set, positions] : open.sets) {
      const bool takes_one_more = positions <= open.left;
      copies_[at(set)] = rounds + (takes_one_more ? 1 : 0);
      if (takes_one_more) open.left -= positions;
      decided_by_[at(set)] = asked.layer;
    }
    if (open.left != 0) {
      throw Error(cat("structure: '",
                      graph_[asked.layer].name,
                      "' cannot have ",
                      asked.count,
                      " channels: its channels come and go several at a time"));
    }
    check_pins(asked.layer, asked.count);
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

  [[noreturn]] void refuse_conflict(const Asked& asked, NodeId other) const {
    throw Error(cat("structure: '",
                    graph_[asked.layer].name,
                    "' is to have ",
                    asked.count,
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
