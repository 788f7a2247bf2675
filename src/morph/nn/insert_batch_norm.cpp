#include "morph/nn/insert_batch_norm.h"

#include <algorithm>
#include <map>
#include <span>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/sqrt.h>

#include "morph/analysis/channel_groups.h"
#include "morph/analysis/shapes.h"
#include "morph/base/error.h"
#include "morph/nn/graph_module.h"
#include "morph/ops/op_def.h"

namespace morph {
namespace {

constexpr double kEpsilon = 1e-5;

/// Whether a BatchNormalization belongs behind the node, its channels on axis 1.
bool lacks_norm(const Graph& graph,
                const ChannelGroups& groups,
                const std::vector<std::vector<NodeId>>& readers,
                NodeId id) {
  const std::vector<ChannelId>& made = groups.made_by(id);
  const auto is_pinned = [&](ChannelId set) { return groups.pinned(set).has_value(); };
  if (made.empty() || std::ranges::all_of(made, is_pinned)) return false;
  if (!graph[id].has_param("weight") || !groups.channels(id).varies_along(1)) return false;
  const auto& after = readers[index(id)];
  return after.size() != 1 || op_def(graph[after.front()].op).scale_slot.empty();
}

/// Sums over all examples and positions, by channel.
struct Moments {
  at::Tensor sum = {};
  at::Tensor squares = {};
  double count = 0;

  void add(const at::Tensor& value) {
    const at::Tensor by_channel = value.to(at::kDouble).transpose(0, 1).flatten(1);
    const at::Tensor total = by_channel.sum(1);
    const at::Tensor total_of_squares = by_channel.square().sum(1);
    sum = sum.defined() ? sum + total : total;
    squares = squares.defined() ? squares + total_of_squares : total_of_squares;
    count += static_cast<double>(by_channel.size(1));
  }
};

std::vector<Moments> measured(const Graph& graph,
                              const Params& params,
                              const std::vector<NodeId>& layers,
                              const std::vector<at::Tensor>& batches) {
  std::vector<Moments> moments(layers.size());
  GraphModule module(graph, params);
  module.set_training(false);
  const at::NoGradGuard no_grad;
  for (const at::Tensor& batch : batches) {
    const std::vector<at::Tensor> values = module.forward_all(std::span(&batch, 1));
    for (size_t i = 0; i < layers.size(); ++i) moments[i].add(values[index(layers[i])]);
  }
  return moments;
}

/// Scale, shift and statistics that change nothing.
void add_params(Params& params, const std::string& name, int64_t channels, const Moments& moments) {
  const auto filled = [&](double value) { return at::full({channels}, value, at::kFloat); };
  if (moments.count == 0) {
    params[name + ".weight"] = filled(1);
    params[name + ".bias"] = filled(0);
    params[name + ".running_mean"] = filled(0);
    params[name + ".running_var"] = filled(1 - kEpsilon);
    return;
  }
  const at::Tensor mean = moments.sum / moments.count;
  const at::Tensor variance = (moments.squares / moments.count - mean.square()).clamp_min(0);
  params[name + ".weight"] = at::sqrt(variance + kEpsilon).to(at::kFloat);
  params[name + ".bias"] = mean.to(at::kFloat);
  params[name + ".running_mean"] = mean.to(at::kFloat);
  params[name + ".running_var"] = variance.to(at::kFloat);
}

Node norm_node(const Node& layer, NodeId input) {
  Node node{.name = layer.name + ".norm", .op = "BatchNormalization", .inputs = {input}};
  for (const char* slot : {"weight", "bias", "running_mean", "running_var"}) {
    node.params[slot] = {.tensor = cat(node.name, ".", slot), .shape = {layer.shape[1]}};
  }
  return node;
}

}  // namespace

Normalized insert_batch_norm(const Graph& graph,
                             const Params& params,
                             const std::vector<at::Tensor>& batches) {
  const ChannelGroups groups = find_channel_groups(graph);
  const auto readers = consumers(graph);
  std::vector<NodeId> layers;
  for (const NodeId id : graph.ids()) {
    if (lacks_norm(graph, groups, readers, id)) layers.push_back(id);
  }
  if (layers.empty()) {
    throw Error(cat("network '",
                    graph.name(),
                    "' has no layer that lacks a BatchNormalization and makes channels that may be "
                    "removed"));
  }
  const std::vector<Moments> moments = measured(graph, params, layers, batches);
  Normalized result{.graph = Graph(graph.name()), .params = params};
  std::vector<NodeId> now;
  for (const NodeId id : graph.ids()) {
    Node node = graph[id];
    for (NodeId& input : node.inputs) input = now[index(input)];
    now.push_back(result.graph.add(std::move(node)));
    const auto layer = std::ranges::find(layers, id);
    if (layer == layers.end()) continue;
    Node norm = norm_node(graph[id], now.back());
    const auto& of_layer = moments[static_cast<size_t>(layer - layers.begin())];
    add_params(result.params, norm.name, graph[id].shape[1], of_layer);
    result.layers.push_back(graph[id].name);
    now.back() = result.graph.add(std::move(norm));
  }
  std::vector<NodeId> outputs;
  for (const NodeId output : graph.outputs()) outputs.push_back(now[index(output)]);
  result.graph.set_outputs(std::move(outputs));
  result.graph = infer_shapes(result.graph);
  return result;
}

}  // namespace morph
