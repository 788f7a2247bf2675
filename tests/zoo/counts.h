#pragma once

#include <cstdint>
#include <string_view>

#include "morph/base/error.h"
#include "morph/ir/graph.h"

namespace morph::zoo {

/// Weights, biases and BatchNormalization's scale and shift; not the running statistics.
inline int64_t trainable_count(const Graph& graph) {
  int64_t count = 0;
  for (const Node& node : graph.nodes()) {
    for (const auto& [slot, param] : node.params) {
      if (slot == "weight" || slot == "bias") count += element_count(param.shape);
    }
  }
  return count;
}

inline bool is_layer(const Node& node) {
  return node.op == "Conv" || node.op == "ConvTranspose" || node.op == "Gemm";
}

/// Weights of convolutions and dense layers alone.
inline int64_t layer_weight_count(const Graph& graph) {
  int64_t count = 0;
  for (const Node& node : graph.nodes()) {
    if (is_layer(node)) count += element_count(node.params.at("weight").shape);
  }
  return count;
}

/// 2 per multiply-add of convolutions and dense layers: each output element is a sum over one
/// filter, and each input element of a transposed convolution goes through one.
inline int64_t flops(const Graph& graph) {
  int64_t multiply_adds = 0;
  for (const Node& node : graph.nodes()) {
    if (!is_layer(node)) continue;
    const Shape& weight = node.params.at("weight").shape;
    const Shape& places = node.op == "ConvTranspose" ? graph[node.inputs[0]].shape : node.shape;
    multiply_adds += element_count(places) * element_count(weight) / weight[0];
  }
  return 2 * multiply_adds;
}

/// Output channels of all layers together.
inline int64_t channel_count(const Graph& graph) {
  int64_t count = 0;
  for (const Node& node : graph.nodes()) {
    if (is_layer(node)) count += node.shape[1];
  }
  return count;
}

inline const Node& named(const Graph& graph, std::string_view name) {
  const std::optional<NodeId> id = graph.find(name);
  if (!id) throw Error(cat("no node ", name));
  return graph[*id];
}

}  // namespace morph::zoo
