#include "morph/cost/morph_net.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace morph {
namespace {

/// The ops that the original charges for memory although they compute nothing that it counts.
constexpr std::array<std::string_view, 7> kMovers = {
    "Add", "BatchNormalization", "Concat", "Mul", "ReduceSum", "Relu", "Sum"};

bool is_relu6(const Node& node) {
  return node.op == "Clip" && node.number("min", -1) == 0 && node.number("max", -1) == 6;
}

bool is_mover(const Node& node) {
  return std::find(kMovers.begin(), kMovers.end(), node.op) != kMovers.end() || is_relu6(node);
}

/// The inputs, each with its places, by the channels of the first; a Concat reads what it writes.
void charge_values(const Graph& graph, const ChannelBlocks& blocks, NodeId id, NodeWork& node) {
  if (graph[id].op == "Concat") {
    node.in = blocks.out[index(id)];
    node.work.input_size = node.work.output_size;
    return;
  }
  node.in = blocks.in[index(id)];
  node.work.input_size = node.work.fixed_size = 0;
  for (const NodeId input : graph[id].inputs) {
    const double channels = full_count(blocks, blocks.out[index(input)]);
    node.work.input_size += static_cast<double>(element_count(graph[input].shape)) / channels;
  }
}

void charge_params(const Node& node, double inputs, Work& work) {
  const bool is_depthwise = work.macs_per_output > 0;
  work.offsets_per_output = 0;
  work.params_per_output = work.fixed_params = 0;
  work.params_per_pair = is_depthwise ? work.weights_per_output : work.weights_per_pair;
  work.slope_in_share = is_depthwise ? 1 : 0;
  if (node.op == "Gemm") work.macs_per_pair = work.input_size = work.output_size = 1;
  if (node.op == "Conv" && node.params.at("weight").shape.size() == 5) {
    // Its layout is DHWIO, and of an input all axes but the first and the last count as places.
    const Shape& weight = node.params.at("weight").shape;
    work.params_per_pair = 0;
    work.input_size += static_cast<double>(weight[3] * weight[4]) * inputs;
  }
}

/// The same when `in` always is `inputs`.
void hold_inputs(NodeWork& node, double inputs) {
  Work& work = node.work;
  work.macs_per_output += std::exchange(work.macs_per_pair, 0) * inputs;
  work.weights_per_output += std::exchange(work.weights_per_pair, 0) * inputs;
  work.params_per_output += std::exchange(work.params_per_pair, 0) * inputs;
  work.fixed_size += std::exchange(work.input_size, 0) * inputs;
  work.slope_in_share = 0;
  node.in = {};
}

/// A dense layer on more than rows: it reads a reshaped input and its output is reshaped again.
bool is_dense_on_places(const Graph& graph, const Node& node) {
  return node.op == "Gemm" && graph[node.inputs[0]].shape.size() > 2;
}

Shape without_ones(Shape shape) {
  std::erase(shape, 1);
  return shape;
}

/// By node index, whether the channels of a value are no longer followed.
std::vector<bool> find_untracked(const Graph& graph, const std::vector<NodeWork>& nodes) {
  std::vector<bool> untracked;
  for (const NodeId id : graph.ids()) {
    const Node& node = graph[id];
    const auto is_lost = [&](NodeId input) { return untracked[index(input)]; };
    const bool cuts = (node.op == "Flatten" || node.op == "Reshape") &&
                      without_ones(node.shape) != without_ones(graph[node.inputs[0]].shape);
    const bool hands_on = !node.inputs.empty() && !nodes[index(id)].work.is_layer() &&
                          std::all_of(node.inputs.begin(), node.inputs.end(), is_lost);
    untracked.push_back(cuts || hands_on || is_dense_on_places(graph, node));
  }
  return untracked;
}

/// By node index, whether an output is computed from it.
std::vector<bool> find_needed(const Graph& graph) {
  std::vector<bool> needed(graph.nodes().size(), false);
  for (const NodeId output : graph.outputs()) needed[index(output)] = true;
  for (size_t i = needed.size(); i-- > 0;) {
    if (!needed[i]) continue;
    for (const NodeId input : graph.nodes()[i].inputs) needed[index(input)] = true;
  }
  return needed;
}

}  // namespace

std::vector<NodeWork> as_morph_net_charges(const Graph& graph,
                                           const ChannelBlocks& blocks,
                                           std::vector<NodeWork> nodes) {
  const std::vector<bool> untracked = find_untracked(graph, nodes);
  const std::vector<bool> needed = find_needed(graph);
  for (const NodeId id : graph.ids()) {
    NodeWork& node = nodes[index(id)];
    const bool is_layer = node.work.is_layer() && graph[id].has_param("weight");
    if (!needed[index(id)] || (!is_layer && !is_mover(graph[id]))) {
      node.work = {};
      continue;
    }
    charge_values(graph, blocks, id, node);
    const double inputs = full_count(blocks, node.in);
    charge_params(graph[id], inputs, node.work);
    const bool reads_reshaped = is_dense_on_places(graph, graph[id]);
    if (reads_reshaped || untracked[index(graph[id].inputs[0])]) hold_inputs(node, inputs);
    if (untracked[index(id)] && !is_layer) {
      node.work.fixed_size +=
          std::exchange(node.work.output_size, 0) * full_count(blocks, node.out);
      node.out = {};
    }
  }
  return nodes;
}

}  // namespace morph
