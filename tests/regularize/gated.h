#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph_text.h"
#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>

#include "morph/nn/graph_module.h"
#include "morph/regularize/network_regularizer.h"

namespace morph {

/// BN scales by name of the tensor.
using Gammas = std::map<std::string, std::vector<double>>;

/// The network in text form with fresh weights and these BN scales. Runs on one thread from here
/// on: the tensors are tiny.
inline GraphModule gated(std::string_view body, const Gammas& gammas) {
  at::set_num_threads(1);
  Graph graph = graph_of(body);
  Params params = initial_params(graph, 1);
  for (const auto& [name, values] : gammas) params.at(name) = at::tensor(values).to(at::kFloat);
  return GraphModule(std::move(graph), std::move(params));
}

inline std::vector<double> to_vector(const at::Tensor& tensor) {
  const at::Tensor host = tensor.detach().to(at::kCPU, at::kDouble).contiguous();
  const double* data = host.const_data_ptr<double>();
  return {data, data + host.numel()};
}

/// The gradient of the gates called `tensor`; zeros if nothing was written.
inline std::vector<double> gradient(const GraphModule& module, const std::string& tensor) {
  const at::Tensor& gates = module.params().at(tensor);
  if (!gates.grad().defined()) return std::vector<double>(static_cast<size_t>(gates.numel()), 0);
  return to_vector(gates.grad());
}

inline void drop_gradients(const GraphModule& module) {
  for (const auto& [name, tensor] : module.params()) at::Tensor(tensor).mutable_grad().reset();
}

}  // namespace morph
