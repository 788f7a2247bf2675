#include "morph/analysis/coverage.h"

#include <algorithm>
#include <deque>
#include <optional>

#include "morph/base/error.h"
#include "morph/base/strings.h"

namespace morph {
namespace {

constexpr const char* kNoGate = "no gate";

size_t at(ChannelId set) { return static_cast<size_t>(set); }

/// Finds how a set runs from a layer to the node that pins it.
class PinPaths {
 public:
  PinPaths(const Graph& graph, const ChannelGroups& groups)
      : graph_(graph), groups_(groups), readers_(consumers(graph)) {}

  std::vector<NodeId> find(NodeId layer, ChannelId set) const {
    const NodeId end = groups_.pinned_at(set).value();
    if (layer == end) return {layer};
    std::vector<std::optional<NodeId>> came_from(graph_.nodes().size());
    came_from[index(layer)] = layer;
    std::deque<NodeId> open = {layer};
    bool has_jumped = false;
    while (!open.empty()) {
      const NodeId id = open.front();
      open.pop_front();
      for (const NodeId next : neighbours(id)) {
        if (came_from[index(next)] || (next != end && !carries(next, set))) continue;
        came_from[index(next)] = id;
        if (next == end) return trace_back(came_from, layer, end);
        open.push_back(next);
      }
      if (!open.empty() || has_jumped) continue;
      // What is tied by a shared weight or by the user does not lie along one value.
      has_jumped = true;
      for (const NodeId other : graph_.ids()) {
        if (came_from[index(other)] || !makes(other, set)) continue;
        came_from[index(other)] = layer;
        open.push_back(other);
      }
    }
    return {layer, end};
  }

 private:
  bool carries(NodeId id, ChannelId set) const {
    const auto& ids = groups_.channels(id).ids;
    return std::find(ids.begin(), ids.end(), set) != ids.end();
  }

  bool makes(NodeId id, ChannelId set) const {
    const auto& ids = groups_.made_by(id);
    return std::find(ids.begin(), ids.end(), set) != ids.end();
  }

  std::vector<NodeId> neighbours(NodeId id) const {
    std::vector<NodeId> result = readers_[index(id)];
    const auto& inputs = graph_[id].inputs;
    result.insert(result.end(), inputs.begin(), inputs.end());
    return result;
  }

  static std::vector<NodeId> trace_back(const std::vector<std::optional<NodeId>>& came_from,
                                        NodeId begin,
                                        NodeId end) {
    std::vector<NodeId> path = {end};
    while (path.back() != begin) path.push_back(*came_from[index(path.back())]);
    std::reverse(path.begin(), path.end());
    return path;
  }

  const Graph& graph_;
  const ChannelGroups& groups_;
  std::vector<std::vector<NodeId>> readers_;
};

/// The channels of a node: those it makes, or those it hands on.
const std::vector<ChannelId>& channels_of(const ChannelGroups& groups, NodeId id) {
  const std::vector<ChannelId>& made = groups.made_by(id);
  return made.empty() ? groups.channels(id).ids : made;
}

class Coverage {
 public:
  Coverage(const Graph& graph, const ChannelGroups& groups, const std::vector<bool>& gated)
      : groups_(groups),
        gated_(gated),
        reached_(nodes_in_scope(graph, {})),
        paths_(graph, groups) {}

  LayerCoverage of(NodeId id) const {
    const std::vector<ChannelId>& sets = channels_of(groups_, id);
    LayerCoverage layer{
        .node = id, .width = static_cast<int64_t>(sets.size()), .least = groups_.least_width(id)};
    if (!reached_[index(id)]) {
      layer.reach = Reach::kUnreachable;
      layer.holds = {{.reason = "no path to an output", .width = layer.width}};
      return layer;
    }
    for (const ChannelId set : sets) {
      if (groups_.pinned(set)) {
        add_hold(layer, *groups_.pinned(set), set);
      } else if (!gated_.empty() && !gated_[at(set)]) {
        add_hold(layer, kNoGate, set);
      } else {
        ++layer.prunable;
      }
    }
    if (layer.prunable > 0) return layer;
    const auto is_pinned = [](const Hold& hold) { return !hold.path.empty(); };
    layer.reach = std::all_of(layer.holds.begin(), layer.holds.end(), is_pinned)
                      ? Reach::kPinned
                      : Reach::kUnreachable;
    return layer;
  }

 private:
  void add_hold(LayerCoverage& layer, const std::string& reason, ChannelId set) const {
    const auto is_same = [&](const Hold& hold) {
      return hold.reason == reason &&
             (hold.path.empty() || hold.path.back() == groups_.pinned_at(set));
    };
    auto hold = std::find_if(layer.holds.begin(), layer.holds.end(), is_same);
    if (hold == layer.holds.end()) {
      hold = layer.holds.insert(hold, {.reason = reason});
      if (groups_.pinned(set)) hold->path = paths_.find(layer.node, set);
    }
    ++hold->width;
  }

  const ChannelGroups& groups_;
  const std::vector<bool>& gated_;
  std::vector<bool> reached_;
  PinPaths paths_;
};

}  // namespace

std::string_view name_of(Reach reach) {
  switch (reach) {
    case Reach::kPrunable:
      return "prunable";
    case Reach::kPinned:
      return "pinned";
    case Reach::kUnreachable:
      return "unreachable";
  }
  throw InternalError("reach without a name");
}

std::vector<LayerCoverage> find_coverage(const Graph& graph,
                                         const ChannelGroups& groups,
                                         const std::vector<bool>& gated) {
  const Coverage coverage(graph, groups, gated);
  std::vector<LayerCoverage> layers;
  for (const NodeId id : graph.ids()) {
    if (!graph[id].params.empty()) layers.push_back(coverage.of(id));
  }
  return layers;
}

void require_prunable(const Graph& graph,
                      const ChannelGroups& groups,
                      const std::vector<bool>& gated,
                      std::string_view gate) {
  std::vector<std::string> without_gate;
  std::vector<std::string> held;
  for (const LayerCoverage& layer : find_coverage(graph, groups, gated)) {
    if (layer.reach == Reach::kPrunable) return;
    if (groups.made_by(layer.node).empty()) continue;
    const std::string& reason = layer.holds.front().reason;
    if (reason == kNoGate) {
      without_gate.push_back(graph[layer.node].name);
    } else {
      held.push_back(cat(graph[layer.node].name, " (", reason, ")"));
    }
  }
  std::string message = cat("network '", graph.name(), "' has nothing to prune");
  if (without_gate.empty() && held.empty()) message += ": it has no convolution or dense layer.";
  if (!without_gate.empty()) {
    message += cat(": no gate of the kind ",
                   gate,
                   " decides about ",
                   first_names(std::move(without_gate)),
                   ". Turn on the scale of a BatchNormalization behind them (--gate gamma), insert "
                   "gates (--gate logistic-sigmoid), or charge their weights (--gate "
                   "group-lasso).");
  }
  if (!held.empty()) {
    message += cat(message.back() == '.' ? " Pinned: " : ": pinned are ",
                   first_names(std::move(held)),
                   ". `morphnet inspect` shows on which path.");
  }
  throw Error(message);
}

std::string first_names(std::vector<std::string> names) {
  constexpr size_t kMost = 5;
  if (names.size() > kMost) {
    const size_t more = names.size() - kMost;
    names.resize(kMost);
    names.push_back(cat("and ", more, " more"));
  }
  return join(names, ", ");
}

std::string format_path(const Graph& graph, const std::vector<NodeId>& path) {
  std::vector<std::string> names;
  for (const NodeId id : path) names.push_back(graph[id].name);
  return join(names, " -> ");
}

}  // namespace morph
