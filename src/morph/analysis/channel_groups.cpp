#include "morph/analysis/channel_groups.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "morph/analysis/scope_rules.h"
#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/ops/op_def.h"

namespace morph {
namespace {

/// What the channel rules of all nodes left behind, with ids as they were handed out.
struct Trace {
  ChannelFlow flow;
  std::vector<Channels> channels;
  std::vector<NodeChannels> notes;
  std::vector<NodePin> pins;
};

Trace follow_channels(const Graph& graph) {
  Trace trace;
  for (const NodeId id : graph.ids()) {
    const Node& node = graph[id];
    std::vector<ValueChannels> inputs;
    for (const NodeId input : node.inputs) {
      inputs.push_back({graph[input].shape, trace.channels[index(input)]});
    }
    trace.channels.push_back(op_def(node.op).channels(node, inputs, trace.flow));
    trace.notes.push_back(trace.flow.take_notes());
    for (size_t i = trace.pins.size(); i < trace.flow.pins().size(); ++i) {
      trace.pins.push_back({id, trace.flow.pins()[i]});
    }
    MORPH_CHECK(trace.channels.back().extents.size() == node.shape.size());
  }
  return trace;
}

/// A tensor that several nodes read keeps one set of positions for all of them.
void tie_shared_params(const Graph& graph, Trace& trace) {
  std::map<std::pair<std::string, size_t>, const ParamChannels*> first;
  for (const NodeId id : graph.ids()) {
    for (const ParamChannels& param : trace.notes[index(id)].params) {
      const std::string& tensor = graph[id].params.at(param.slot).tensor;
      const auto [it, is_first] = first.emplace(std::pair(tensor, param.axis), &param);
      if (!is_first) trace.flow.tie(it->second->ids, param.ids);
    }
  }
  std::map<std::string, const Channels*> first_value;
  for (const NodeId id : graph.ids()) {
    const std::string& slot = trace.notes[index(id)].value_param;
    if (slot.empty()) continue;
    const Channels& value = trace.channels[index(id)];
    const auto [it, is_first] = first_value.emplace(graph[id].params.at(slot).tensor, &value);
    if (!is_first) trace.flow.tie(it->second->ids, value.ids);
  }
}

int64_t count_varying(const Channels& channels) {
  return std::ranges::count_if(channels.extents, [](int64_t extent) { return extent > 1; });
}

/// Where channels vary along more than one axis (a reshape split them), what is kept must be a
/// rectangle: positions with one index on the last such axis are tied.
void tie_rectangles(Trace& trace) {
  for (Channels& channels : trace.channels) {
    for (ChannelId& id : channels.ids) id = trace.flow.representative(id);
    if (count_varying(channels) < 2) continue;
    const Channels distinct = channels.compressed();
    if (count_varying(distinct) < 2) continue;
    size_t last = distinct.extents.size() - 1;
    while (!distinct.varies_along(last)) --last;
    const auto period = static_cast<size_t>(distinct.extents[last]);
    for (size_t i = period; i < distinct.ids.size(); ++i) {
      trace.flow.tie(distinct.ids[i % period], distinct.ids[i]);
    }
  }
}

/// Leaves the values of constants the axes that hold channels where they met other values.
void settle_values(const Graph& graph, Trace& trace) {
  for (const NodeId id : graph.ids()) {
    if (trace.notes[index(id)].value_param.empty()) continue;
    Channels& value = trace.channels[index(id)];
    value = trace.flow.as_settled(value);
  }
}

/// A param that is its node's value carries channels along the axis where the value does, which is
/// known once the value has met others. A single channel is taken to lie on axis 1.
void bind_values(const Graph& graph, Trace& trace) {
  for (const NodeId id : graph.ids()) {
    NodeChannels& notes = trace.notes[index(id)];
    if (notes.value_param.empty()) continue;
    Channels value = trace.channels[index(id)];
    for (ChannelId& set : value.ids) set = trace.flow.representative(set);
    if (count_varying(value) > 1) value = value.compressed();
    const Shape& shape = graph[id].shape;
    for (size_t axis = 1; axis < shape.size(); ++axis) {
      const bool is_single = axis == 1 && shape[axis] == 1 && value.ids.size() == 1;
      if (!value.varies_along(axis) && !is_single) continue;
      MORPH_CHECK(static_cast<int64_t>(value.ids.size()) == shape[axis]);
      notes.params.push_back({.slot = notes.value_param, .axis = axis, .ids = value.ids});
    }
  }
}

/// Renumbers ids by set: 0, 1, … in order of first use.
class SetNumbers {
 public:
  explicit SetNumbers(const ChannelFlow& flow)
      : flow_(flow), numbers_(static_cast<size_t>(flow.sets().size()), kNone) {}

  ChannelId of(ChannelId id) {
    ChannelId& number = numbers_[static_cast<size_t>(flow_.representative(id))];
    if (number == kNone) number = count_++;
    return number;
  }

  void renumber(std::vector<ChannelId>& ids) {
    for (ChannelId& id : ids) id = of(id);
  }

  size_t count() const { return static_cast<size_t>(count_); }

 private:
  static constexpr ChannelId kNone = -1;

  const ChannelFlow& flow_;
  std::vector<ChannelId> numbers_;
  ChannelId count_ = 0;
};

bool is_layer(const Graph& graph, const Node& node) {
  std::vector<Shape> inputs;
  for (const NodeId input : node.inputs) inputs.push_back(graph[input].shape);
  return op_def(node.op).work(node, inputs).is_layer();
}

/// The sets along the output axis of a layer's weight.
std::vector<ChannelId> weight_outputs(const NodeChannels& notes) {
  for (const ParamChannels& param : notes.params) {
    if (param.of_output && param.slot == "weight") return param.ids;
  }
  return {};
}

/// Fills in ChannelGroups::groups(): layers that share a set, found by union–find over layers.
class GroupLayers {
 public:
  GroupLayers(const Graph& graph, const ChannelGroups& groups) : graph_(graph), groups_(groups) {}

  std::vector<ChannelGroup> run() {
    const std::vector<int32_t> first_layer = unite_layers();
    std::map<int32_t, size_t> group_by_root;
    std::vector<ChannelGroup> result;
    for (const NodeId id : graph_.ids()) {
      if (groups_.made_by(id).empty()) continue;
      const int32_t root = layers_.find(static_cast<int32_t>(index(id)));
      const auto [it, is_new] = group_by_root.emplace(root, result.size());
      if (is_new) result.emplace_back();
      ChannelGroup& group = result[it->second];
      group.layers.push_back(id);
      // Most layers of a group make the sets that its first one does.
      for (const ChannelId set : groups_.made_by(id)) {
        if (first_layer[static_cast<size_t>(set)] == static_cast<int32_t>(index(id))) {
          group.sets.push_back(set);
        }
      }
    }
    for (const NodeId id : graph_.ids()) add_scale(id, first_layer, group_by_root, result);
    for (ChannelGroup& group : result) describe(group);
    return result;
  }

 private:
  /// Unites layers that share a set; returns for each set the first layer that makes it, or -1.
  std::vector<int32_t> unite_layers() {
    for (size_t i = 0; i < graph_.nodes().size(); ++i) layers_.add();
    std::vector<int32_t> first_layer(static_cast<size_t>(groups_.set_count()), -1);
    for (const NodeId id : graph_.ids()) {
      auto last = static_cast<int32_t>(index(id));
      for (const ChannelId set : groups_.made_by(id)) {
        int32_t& first = first_layer[static_cast<size_t>(set)];
        if (first < 0) first = static_cast<int32_t>(index(id));
        if (first == last) continue;
        layers_.unite(first, static_cast<int32_t>(index(id)));
        last = first;
      }
    }
    return first_layer;
  }

  void add_scale(NodeId id,
                 const std::vector<int32_t>& first_layer,
                 const std::map<int32_t, size_t>& group_by_root,
                 std::vector<ChannelGroup>& result) const {
    if (op_def(graph_[id].op).scale_slot.empty()) return;
    std::set<size_t> scaled;
    int32_t last = -1;
    for (const ChannelId set : groups_.channels(id).ids) {
      const int32_t layer = first_layer[static_cast<size_t>(set)];
      if (layer < 0 || std::exchange(last, layer) == layer) continue;
      scaled.insert(group_by_root.at(layers_.find(layer)));
    }
    for (const size_t group : scaled) result[group].scales.push_back(id);
  }

  void describe(ChannelGroup& group) const {
    std::ranges::sort(group.sets);
    group.sets.erase(std::unique(group.sets.begin(), group.sets.end()), group.sets.end());
    std::vector<std::string> reasons;
    for (const ChannelId set : group.sets) {
      const auto& reason = groups_.pinned(set);
      if (!reason) {
        ++group.prunable;
      } else if (std::find(reasons.begin(), reasons.end(), *reason) == reasons.end()) {
        reasons.push_back(*reason);
      }
    }
    group.pinned = join(reasons, "; ");
  }

  const Graph& graph_;
  const ChannelGroups& groups_;
  UnionFind layers_;
};

LayerChannels find_layers(const Graph& graph, const std::vector<NodeChannels>& notes) {
  LayerChannels layers{.made = std::vector<std::vector<ChannelId>>(notes.size())};
  for (const NodeId id : graph.ids()) {
    if (!is_layer(graph, graph[id])) continue;
    layers.made[index(id)] = weight_outputs(notes[index(id)]);
    if (!layers.of(id).empty()) layers.layers.push_back(id);
  }
  return layers;
}

/// Channels that nothing on the way to an output carries.
std::vector<NodePin> unreachable_pins(const Graph& graph,
                                      const LayerChannels& layers,
                                      const Trace& trace) {
  const std::vector<bool> reached = nodes_in_scope(graph, {});
  std::vector<bool> carried(static_cast<size_t>(trace.flow.sets().size()), false);
  const auto is_carried = [&](ChannelId id) {
    return carried[static_cast<size_t>(trace.flow.representative(id))];
  };
  for (const NodeId id : graph.ids()) {
    if (!reached[index(id)]) continue;
    for (const ChannelId channel : trace.channels[index(id)].ids) {
      carried[static_cast<size_t>(trace.flow.representative(channel))] = true;
    }
  }
  std::vector<NodePin> pins;
  for (const NodeId layer : layers.layers) {
    if (reached[index(layer)]) continue;
    std::vector<ChannelId> ids = layers.of(layer);
    ids.erase(std::remove_if(ids.begin(), ids.end(), is_carried), ids.end());
    if (!ids.empty()) pins.push_back({layer, {.ids = ids, .reason = "no path to an output"}});
  }
  return pins;
}

/// Channels that a reshape laid out along several axes, if all of them are tied into one set: it
/// does not tell which of the axes would change.
std::vector<NodePin> undivided_pins(const Graph& graph, const Trace& trace) {
  std::vector<NodePin> pins;
  for (const NodeId id : graph.ids()) {
    const Channels& channels = trace.channels[index(id)];
    if (count_varying(channels) < 2) continue;
    const ChannelId first = trace.flow.representative(channels.ids.front());
    const bool is_one_set = std::ranges::all_of(channels.ids, [&](ChannelId channel) {
      return trace.flow.representative(channel) == first;
    });
    if (is_one_set) {
      pins.push_back({id,
                      {.ids = {first},
                       .reason = cat("all channels tied into one across '", graph[id].name, "'")}});
    }
  }
  return pins;
}

/// All pins but those of the op rules; the first reason for a channel counts.
void add_pins(const Graph& graph,
              const LayerChannels& layers,
              const ChannelScope& scope,
              Trace& trace) {
  if (scope.outputs == OutputChannels::kPinned) {
    for (const NodeId output : graph.outputs()) {
      trace.pins.push_back(
          {output, {.ids = trace.channels[index(output)].ids, .reason = "network output"}});
    }
  }
  for (const auto& pins : {scope_pins(graph, layers, scope),
                           unreachable_pins(graph, layers, trace),
                           undivided_pins(graph, trace)}) {
    trace.pins.insert(trace.pins.end(), pins.begin(), pins.end());
  }
}

}  // namespace

ChannelGroups find_channel_groups(const Graph& graph, const ChannelScope& scope) {
  Trace trace = follow_channels(graph);
  tie_shared_params(graph, trace);
  LayerChannels layers = find_layers(graph, trace.notes);
  tie_layers(graph, layers, scope.tie, trace.flow);
  settle_values(graph, trace);
  tie_rectangles(trace);
  bind_values(graph, trace);
  add_pins(graph, layers, scope, trace);

  ChannelGroups result;
  result.least_width_ = least_widths(graph, layers, scope);
  SetNumbers numbers(trace.flow);
  for (const NodeId id : graph.ids()) {
    numbers.renumber(trace.channels[index(id)].ids);
    NodeChannels& notes = trace.notes[index(id)];
    numbers.renumber(notes.reads);
    for (ParamChannels& param : notes.params) numbers.renumber(param.ids);
    numbers.renumber(layers.made[index(id)]);
  }
  result.channels_ = std::move(trace.channels);
  result.notes_ = std::move(trace.notes);
  result.made_ = std::move(layers.made);
  result.pinned_.resize(numbers.count());
  result.pinned_at_.resize(numbers.count());
  for (const NodePin& pin : trace.pins) {
    for (const ChannelId id : pin.pin.ids) {
      const auto set = static_cast<size_t>(numbers.of(id));
      if (result.pinned_[set]) continue;
      result.pinned_[set] = pin.pin.reason;
      result.pinned_at_[set] = pin.node;
    }
  }
  result.groups_ = GroupLayers(graph, result).run();
  result.group_of_.resize(graph.nodes().size());
  for (size_t g = 0; g < result.groups_.size(); ++g) {
    for (const NodeId layer : result.groups_[g].layers) result.group_of_[index(layer)] = g;
  }
  return result;
}

std::vector<bool> widenable_sets(const ChannelGroups& groups) {
  std::vector<bool> widenable(static_cast<size_t>(groups.set_count()), false);
  for (const ChannelGroup& group : groups.groups()) {
    for (const ChannelId set : group.sets) {
      widenable[static_cast<size_t>(set)] = !groups.pinned(set).has_value();
    }
  }
  return widenable;
}

std::vector<bool> keep_least_widths(const ChannelGroups& groups,
                                    const std::vector<double>& values,
                                    std::vector<bool> alive) {
  const auto is_alive = [&](ChannelId set) { return alive[static_cast<size_t>(set)]; };
  const auto is_stronger = [&](ChannelId a, ChannelId b) {
    return values[static_cast<size_t>(a)] > values[static_cast<size_t>(b)];
  };
  for (const ChannelGroup& group : groups.groups()) {
    for (const NodeId layer : group.layers) {
      const std::vector<ChannelId>& made = groups.made_by(layer);
      int64_t missing =
          groups.least_width(layer) - std::count_if(made.begin(), made.end(), is_alive);
      if (missing <= 0) continue;
      std::vector<ChannelId> dead;
      std::remove_copy_if(made.begin(), made.end(), std::back_inserter(dead), is_alive);
      std::stable_sort(dead.begin(), dead.end(), is_stronger);
      for (auto it = dead.begin(); missing > 0; ++it, --missing) {
        alive[static_cast<size_t>(*it)] = true;
      }
    }
  }
  return alive;
}

}  // namespace morph
