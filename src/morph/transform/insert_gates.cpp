#include "morph/transform/insert_gates.h"

#include <algorithm>
#include <string>
#include <vector>

#include "morph/analysis/channel_groups.h"
#include "morph/analysis/shapes.h"
#include "morph/base/error.h"
#include "morph/ops/op_def.h"

namespace morph {
namespace {

constexpr const char* kGate = "LogisticGate";

class Inserting {
 public:
  Inserting(const Graph& graph, const InsertGatesOptions& options)
      : graph_(graph),
        options_(options),
        groups_(find_channel_groups(graph, options.scope)),
        readers_(consumers(graph)),
        layer_before_gate_(graph.nodes().size()) {}

  Graph run() {
    for (const NodeId id : graph_.ids()) {
      if (const auto place = place_of_gate(id)) layer_before_gate_[index(*place)] = id;
    }
    if (std::ranges::none_of(layer_before_gate_, [](const auto& layer) { return !!layer; })) {
      throw Error(cat("network '",
                      graph_.name(),
                      "' has no layer to put a gate behind: none makes channels that may be "
                      "removed and has neither a gate nor a BatchNormalization"));
    }
    Graph result(graph_.name());
    std::vector<NodeId> now(graph_.nodes().size());
    for (const NodeId id : graph_.ids()) {
      Node node = graph_[id];
      for (NodeId& input : node.inputs) input = now[index(input)];
      now[index(id)] = result.add(std::move(node));
      if (const auto layer = layer_before_gate_[index(id)]) {
        now[index(id)] = result.add(gate(*layer, now[index(id)], id));
      }
    }
    std::vector<NodeId> outputs;
    for (const NodeId output : graph_.outputs()) outputs.push_back(now[index(output)]);
    result.set_outputs(std::move(outputs));
    return infer_shapes(result);
  }

 private:
  /// Behind which node the gate of a layer goes; nothing if it gets none.
  std::optional<NodeId> place_of_gate(NodeId layer) const {
    const std::vector<ChannelId>& made = groups_.made_by(layer);
    const auto is_pinned = [&](ChannelId set) { return groups_.pinned(set).has_value(); };
    const bool mixes_channels = !groups_.notes(layer).reads.empty();
    if (made.empty() || !mixes_channels || std::ranges::all_of(made, is_pinned)) {
      return std::nullopt;
    }
    const NodeId norm = only_reader(layer);
    const bool is_normalized = norm != layer && !op_def(graph_[norm].op).scale_slot.empty();
    if (is_normalized && options_.layers == InsertGatesOptions::Layers::kUnnormalized) {
      return std::nullopt;
    }
    const NodeId place = is_normalized ? norm : layer;
    if (graph_[only_reader(place)].op == kGate) return std::nullopt;
    return place;
  }

  /// The node itself if it has no reader or several.
  NodeId only_reader(NodeId id) const {
    return readers_[index(id)].size() == 1 ? readers_[index(id)].front() : id;
  }

  Node gate(NodeId layer, NodeId input, NodeId place) const {
    const std::string name = graph_[layer].name + ".gate";
    const size_t axis = channel_axis(place);
    const Shape size = {graph_[place].shape[axis]};
    Node node{.name = name,
              .op = kGate,
              .inputs = {input},
              .attrs = {{"temperature", std::vector<double>{options_.temperature}}},
              .params = {{"logits", {.tensor = name + ".logits", .shape = size}},
                         {"noise", {.tensor = name + ".noise", .shape = size}}}};
    const auto state = [&](const char* key, int64_t value) {
      node.attrs[key] = std::vector<int64_t>{value};
    };
    if (axis != 1) state("axis", static_cast<int64_t>(axis));
    if (options_.straight_through) state("straight_through", 1);
    if (!options_.soft_inference) state("soft_inference", 0);
    if (!options_.keep_first) state("keep_first", 0);
    if (options_.log_odds != 2.5) node.attrs["log_odds"] = std::vector<double>{options_.log_odds};
    if (options_.annealing_rate) {
      node.attrs["annealing_rate"] = std::vector<double>{*options_.annealing_rate};
      node.params["step"] = {.tensor = name + ".step", .shape = {1}};
    }
    return node;
  }

  /// The axis that holds the channels; with a single channel nothing varies, and any axis of extent
  /// 1 will do.
  size_t channel_axis(NodeId id) const {
    const Channels& channels = groups_.channels(id);
    for (size_t axis = 1; axis < channels.extents.size(); ++axis) {
      if (channels.varies_along(axis)) return axis;
    }
    const Shape& shape = graph_[id].shape;
    const auto single = std::find(shape.begin() + 1, shape.end(), 1);
    MORPH_CHECK(single != shape.end());
    return static_cast<size_t>(single - shape.begin());
  }

  const Graph& graph_;
  const InsertGatesOptions& options_;
  ChannelGroups groups_;
  std::vector<std::vector<NodeId>> readers_;
  std::vector<std::optional<NodeId>> layer_before_gate_;  // By node that a gate goes behind.
};

}  // namespace

Graph insert_gates(const Graph& graph, const InsertGatesOptions& options) {
  return Inserting(graph, options).run();
}

}  // namespace morph
