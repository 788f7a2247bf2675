#include "morph/analysis/channel_groups.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

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
};

Trace follow_channels(const Graph& graph) {
  Trace trace;
  for (const Node& node : graph.nodes()) {
    std::vector<ValueChannels> inputs;
    for (const NodeId input : node.inputs) {
      inputs.push_back({graph[input].shape, trace.channels[index(input)]});
    }
    trace.channels.push_back(op_def(node.op).channels(node, inputs, trace.flow));
    trace.notes.push_back(trace.flow.take_notes());
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
}

/// Where channels vary along more than one axis (a reshape split them), what is kept must be a
/// rectangle: positions with one index on the last such axis are tied.
void tie_rectangles(Trace& trace) {
  for (Channels& channels : trace.channels) {
    for (ChannelId& id : channels.ids) id = trace.flow.representative(id);
    const Channels distinct = channels.compressed();
    const auto varying = std::count_if(
        distinct.extents.begin(), distinct.extents.end(), [](int64_t n) { return n > 1; });
    if (varying < 2) continue;
    size_t last = distinct.extents.size() - 1;
    while (!distinct.varies_along(last)) --last;
    const auto period = static_cast<size_t>(distinct.extents[last]);
    for (size_t i = period; i < distinct.ids.size(); ++i) {
      trace.flow.tie(distinct.ids[i % period], distinct.ids[i]);
    }
  }
}

/// Renumbers ids by set: 0, 1, … in order of first use.
class SetNumbers {
 public:
  explicit SetNumbers(const ChannelFlow& flow) : flow_(flow) {}

  ChannelId of(ChannelId id) {
    const ChannelId root = flow_.representative(id);
    return numbers_.emplace(root, static_cast<ChannelId>(numbers_.size())).first->second;
  }

  void renumber(std::vector<ChannelId>& ids) {
    for (ChannelId& id : ids) id = of(id);
  }

  size_t count() const { return numbers_.size(); }

 private:
  const ChannelFlow& flow_;
  std::map<ChannelId, ChannelId> numbers_;
};

std::vector<ChannelId> unique_sets(std::vector<ChannelId> sets) {
  std::sort(sets.begin(), sets.end());
  sets.erase(std::unique(sets.begin(), sets.end()), sets.end());
  return sets;
}

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
      const auto& made = groups_.made_by(id);
      group.sets.insert(group.sets.end(), made.begin(), made.end());
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
      for (const ChannelId set : groups_.made_by(id)) {
        int32_t& first = first_layer[static_cast<size_t>(set)];
        if (first < 0) first = static_cast<int32_t>(index(id));
        layers_.unite(first, static_cast<int32_t>(index(id)));
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
    for (const ChannelId set : groups_.channels(id).ids) {
      const int32_t layer = first_layer[static_cast<size_t>(set)];
      if (layer >= 0) scaled.insert(group_by_root.at(layers_.find(layer)));
    }
    for (const size_t group : scaled) result[group].scales.push_back(id);
  }

  void describe(ChannelGroup& group) const {
    group.sets = unique_sets(std::move(group.sets));
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

}  // namespace

ChannelGroups find_channel_groups(const Graph& graph) {
  Trace trace = follow_channels(graph);
  tie_shared_params(graph, trace);
  for (const NodeId output : graph.outputs()) {
    trace.flow.pin(trace.channels[index(output)].ids, "network output");
  }
  tie_rectangles(trace);

  ChannelGroups result;
  SetNumbers numbers(trace.flow);
  for (const NodeId id : graph.ids()) {
    Channels& channels = trace.channels[index(id)];
    numbers.renumber(channels.ids);
    result.channels_.push_back(std::move(channels));
    NodeChannels& notes = trace.notes[index(id)];
    numbers.renumber(notes.reads);
    for (ParamChannels& param : notes.params) numbers.renumber(param.ids);
    result.made_.push_back(is_layer(graph, graph[id]) ? weight_outputs(notes)
                                                      : std::vector<ChannelId>{});
    result.notes_.push_back(std::move(notes));
  }
  result.pinned_.resize(numbers.count());
  for (const auto& [id, reason] : trace.flow.pins()) {
    auto& pinned = result.pinned_[static_cast<size_t>(numbers.of(id))];
    if (!pinned) pinned = reason;
  }
  result.groups_ = GroupLayers(graph, result).run();
  result.group_of_.resize(graph.nodes().size());
  for (size_t g = 0; g < result.groups_.size(); ++g) {
    for (const NodeId layer : result.groups_[g].layers) result.group_of_[index(layer)] = g;
  }
  return result;
}

}  // namespace morph
