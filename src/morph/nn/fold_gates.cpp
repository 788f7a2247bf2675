#include "morph/nn/fold_gates.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/sigmoid.h>

#include "morph/analysis/channel_groups.h"
#include "morph/analysis/shapes.h"
#include "morph/base/error.h"
#include "morph/nn/logistic_gate.h"

namespace morph {
namespace {

constexpr const char* kGate = "LogisticGate";

/// Ops that give a·f(x) for a·x, channel by channel, for every a ≥ 0.
constexpr std::array<std::string_view, 7> kHomogeneous = {
    "AveragePool", "Dropout", "GlobalAveragePool", "Identity", "LeakyRelu", "MaxPool", "Relu"};

/// How often each tensor is used.
std::map<std::string, int> uses(const Graph& graph) {
  std::map<std::string, int> counts;
  for (const Node& node : graph.nodes()) {
    for (const auto& [slot, param] : node.params) ++counts[param.tensor];
  }
  return counts;
}

/// Scales output channels of nodes in the weights that make them.
class OutputScaling {
 public:
  OutputScaling(const Graph& graph, Params params)
      : graph_(graph),
        groups_(find_channel_groups(graph)),
        readers_(consumers(graph)),
        uses_(uses(graph)),
        params_(std::move(params)) {}

  /// The node whose weights can carry a factor [channels] for each channel of what `gate` reads.
  std::optional<NodeId> carrier(NodeId gate) const {
    NodeId id = graph_[gate].inputs.front();
    while (true) {
      const auto& outputs = graph_.outputs();
      const bool is_read_elsewhere = readers_[index(id)].size() != 1 ||
                                     std::find(outputs.begin(), outputs.end(), id) != outputs.end();
      if (is_read_elsewhere) return std::nullopt;
      if (can_scale(id)) return id;
      if (std::ranges::find(kHomogeneous, graph_[id].op) == kHomogeneous.end()) return std::nullopt;
      id = graph_[id].inputs.front();
    }
  }

  void scale(NodeId id, const at::Tensor& factor) {
    for (const ParamChannels& param : groups_.notes(id).params) {
      if (!param.of_output || (param.slot != "weight" && param.slot != "bias")) continue;
      at::Tensor& value = params_.at(graph_[id].params.at(param.slot).tensor);
      value = scaled(value, static_cast<int64_t>(param.axis), factor);
    }
  }

  Params take() { return std::move(params_); }

 private:
  bool can_scale(NodeId id) const {
    const auto& params = graph_[id].params;
    const bool has_weight = params.count("weight") != 0;
    return has_weight && std::ranges::all_of(params, [&](const auto& param) {
             return uses_.at(param.second.tensor) == 1;
           });
  }

  /// A weight whose axis has fewer positions than there are channels, [I, O / groups, …], belongs
  /// to as many groups along axis 0.
  static at::Tensor scaled(const at::Tensor& value, int64_t axis, const at::Tensor& factor) {
    const int64_t groups = factor.numel() / value.size(axis);
    Shape apart(value.sizes().begin(), value.sizes().end());
    apart[0] /= groups;
    apart.insert(apart.begin(), groups);
    Shape broadcast(apart.size(), 1);
    broadcast[0] = groups;
    broadcast[static_cast<size_t>(axis) + 1] = value.size(axis);
    const at::Tensor product =
        value.detach().contiguous().view(apart) * factor.to(value.options()).view(broadcast);
    return product.view(value.sizes());
  }

  const Graph& graph_;
  ChannelGroups groups_;
  std::vector<std::vector<NodeId>> readers_;
  std::map<std::string, int> uses_;
  Params params_;
};

/// The gates of a network, reading nothing.
Graph gates_alone(const Graph& graph) {
  Graph result(graph.name());
  for (const Node& node : graph.nodes()) {
    if (node.op != kGate) continue;
    result.add({.name = node.name, .op = node.op, .attrs = node.attrs, .params = node.params});
  }
  return result;
}

Graph without_gates(const Graph& graph) {
  Graph result(graph.name());
  std::vector<NodeId> now(graph.nodes().size());
  for (const NodeId id : graph.ids()) {
    Node node = graph[id];
    for (NodeId& input : node.inputs) input = now[index(input)];
    if (node.op == kGate) {
      const auto& outputs = graph.outputs();
      if (std::find(outputs.begin(), outputs.end(), id) == outputs.end()) {
        now[index(id)] = node.inputs.front();
        continue;
      }
      node = {.name = node.name, .op = "Identity", .inputs = node.inputs};
    }
    now[index(id)] = result.add(std::move(node));
  }
  std::vector<NodeId> outputs;
  for (const NodeId output : graph.outputs()) outputs.push_back(now[index(output)]);
  result.set_outputs(std::move(outputs));
  return infer_shapes(result);
}

}  // namespace

Params gated_params(const Graph& gated, const Params& params) {
  const at::NoGradGuard no_grad;
  Params all = initial_params(gates_alone(gated), 0);
  for (const auto& [name, value] : params) all[name] = value;
  OutputScaling scaling(gated, all);
  for (const NodeId id : gated.ids()) {
    if (gated[id].op != kGate) continue;
    const std::string& logits = gated[id].params.at("logits").tensor;
    if (params.count(logits) != 0) continue;
    const at::Tensor mask = LogisticGate(gated[id]).inference_mask(all.at(logits).to(at::kDouble));
    if (mask.eq(0).any().item<bool>()) {
      throw Error(cat(gated[id].label(), " begins shut: log_odds must be above 0"));
    }
    if (const auto carrier = scaling.carrier(id)) scaling.scale(*carrier, mask.reciprocal());
  }
  return scaling.take();
}

Params open_gates(const Graph& graph, Params params) {
  constexpr double kJustOpen = 1e-6;
  for (const Node& node : graph.nodes()) {
    if (node.op != kGate) continue;
    at::Tensor& logits = params.at(node.params.at("logits").tensor);
    logits = logits.detach().clamp_min(kJustOpen);
  }
  return params;
}

Ungated fold_gates(const Graph& graph, const Params& params) {
  const at::NoGradGuard no_grad;
  OutputScaling scaling(graph, params);
  for (const NodeId id : graph.ids()) {
    if (graph[id].op != kGate) continue;
    const at::Tensor& logits = params.at(graph[id].params.at("logits").tensor);
    const at::Tensor mask = LogisticGate(graph[id]).inference_mask(logits.to(at::kDouble));
    if (mask.eq(1).all().item<bool>()) continue;
    const std::optional<NodeId> carrier = scaling.carrier(id);
    if (!carrier) {
      throw Error(cat(graph[id].label(),
                      " cannot be taken out of the network: what it reads is read by others too, "
                      "or comes from no convolution, dense layer or BatchNormalization; put gates "
                      "directly behind these"));
    }
    scaling.scale(*carrier, mask);
  }
  Ungated result{.graph = without_gates(graph)};
  Params scaled = scaling.take();
  for (const Node& node : result.graph.nodes()) {
    for (const auto& [slot, param] : node.params) {
      result.params[param.tensor] = scaled.at(param.tensor);
    }
  }
  return result;
}

}  // namespace morph
