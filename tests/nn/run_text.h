#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "graph_text.h"
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include "morph/base/random.h"
#include "morph/nn/graph_module.h"

namespace morph {

inline at::Tensor doubles(const Shape& shape, const std::vector<double>& values) {
  return at::tensor(values, at::kDouble).reshape(shape);
}

/// Uniform in [low, high).
inline at::Tensor random_doubles(const Shape& shape, Random& random, double low, double high) {
  at::Tensor tensor = at::empty(shape, at::kDouble);
  double* values = tensor.mutable_data_ptr<double>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    values[i] = low + (high - low) * random.uniform();
  }
  return tensor;
}

/// Values for every tensor of the graph in double precision, in (0.5, 1.5) with changing signs but
/// for variances.
inline Params random_double_params(const Graph& graph, Random& random) {
  Params params;
  for (const Node& node : graph.nodes()) {
    for (const auto& [slot, param] : node.params) {
      const bool is_variance = slot == "running_var";
      params[param.tensor] = random_doubles(param.shape, random, is_variance ? 0.5 : -1.5, 1.5);
    }
  }
  return params;
}

/// A batch for an input whose shape is that of one example.
inline Shape batch_of(int64_t count, Shape shape) {
  shape.front() = count;
  return shape;
}

inline Shape shape_of(const at::Tensor& tensor) {
  return Shape(tensor.sizes().begin(), tensor.sizes().end());
}

/// All elements in row-major order.
inline std::vector<double> values(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.detach().to(at::kCPU, at::kDouble).contiguous();
  const double* data = flat.const_data_ptr<double>();
  return std::vector<double>(data, data + flat.numel());
}

/// The values that the network `nodes` with these weights makes of `input`, in eval mode.
inline std::vector<double> run(const std::string& nodes,
                               const at::Tensor& input,
                               Params params = {}) {
  GraphModule module(graph_of(nodes), std::move(params));
  module.set_training(false);
  return values(module.forward(input));
}

}  // namespace morph
