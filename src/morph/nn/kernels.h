#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

#include "morph/ir/graph.h"

namespace morph {

/// The values of one node's params by slot.
using SlotTensors = std::map<std::string, at::Tensor>;

/// What a kernel computes with in one forward. Values have the batch on axis 0.
struct KernelCall {
  std::span<const at::Tensor> inputs;
  const SlotTensors& params;
  bool training;

  const at::Tensor& input() const { return inputs.front(); }
  const at::Tensor& param(const std::string& slot) const { return params.at(slot); }
  /// Nothing for a param that the node does without.
  std::optional<at::Tensor> optional_param(const std::string& slot) const;
};

/// Computes one node's value. Holds the node's attributes, decoded once.
using Kernel = std::function<at::Tensor(const KernelCall&)>;

/// The node that a kernel is made for; shapes are inferred, those of one example.
struct KernelSite {
  const Node& node;
  std::span<const Shape> inputs;
};

/// How the nodes of one op are computed.
struct KernelEntry {
  std::string_view op;
  Kernel (*make)(const KernelSite& site);
};

/// One entry for each op, sorted by name.
std::span<const KernelEntry> all_kernels();

/// The kernel of a node. Throws Error with the node's label if its op has none or an attribute has
/// a value that cannot be run.
Kernel make_kernel(const KernelSite& site);

/// The makers that all_kernels() lists, one for each op, called after it.
namespace kernels {

Kernel abs(const KernelSite& site);
Kernel add(const KernelSite& site);
Kernel average_pool(const KernelSite& site);
Kernel batch_normalization(const KernelSite& site);
Kernel ceil(const KernelSite& site);
Kernel celu(const KernelSite& site);
Kernel clip(const KernelSite& site);
Kernel concat(const KernelSite& site);
Kernel constant(const KernelSite& site);
Kernel conv(const KernelSite& site);
Kernel conv_transpose(const KernelSite& site);
Kernel cos(const KernelSite& site);
Kernel depth_to_space(const KernelSite& site);
Kernel div(const KernelSite& site);
Kernel dropout(const KernelSite& site);
Kernel elu(const KernelSite& site);
Kernel erf(const KernelSite& site);
Kernel exp(const KernelSite& site);
Kernel expand(const KernelSite& site);
Kernel floor(const KernelSite& site);
Kernel gather(const KernelSite& site);
Kernel gelu(const KernelSite& site);
Kernel gemm(const KernelSite& site);
Kernel global_average_pool(const KernelSite& site);
Kernel global_max_pool(const KernelSite& site);
Kernel group_normalization(const KernelSite& site);
Kernel hard_sigmoid(const KernelSite& site);
Kernel hard_swish(const KernelSite& site);
Kernel identity(const KernelSite& site);
Kernel instance_normalization(const KernelSite& site);
Kernel layer_normalization(const KernelSite& site);
Kernel leaky_relu(const KernelSite& site);
Kernel log(const KernelSite& site);
Kernel log_softmax(const KernelSite& site);
Kernel logistic_gate(const KernelSite& site);
Kernel lp_normalization(const KernelSite& site);
Kernel lrn(const KernelSite& site);
Kernel mat_mul(const KernelSite& site);
Kernel max(const KernelSite& site);
Kernel max_pool(const KernelSite& site);
Kernel mean(const KernelSite& site);
Kernel min(const KernelSite& site);
Kernel mish(const KernelSite& site);
Kernel mul(const KernelSite& site);
Kernel neg(const KernelSite& site);
Kernel p_relu(const KernelSite& site);
Kernel pad(const KernelSite& site);
Kernel pow(const KernelSite& site);
Kernel reciprocal(const KernelSite& site);
Kernel reduce_l2(const KernelSite& site);
Kernel reduce_max(const KernelSite& site);
Kernel reduce_mean(const KernelSite& site);
Kernel reduce_min(const KernelSite& site);
Kernel reduce_sum(const KernelSite& site);
Kernel relu(const KernelSite& site);
Kernel reshape(const KernelSite& site);
Kernel resize(const KernelSite& site);
Kernel selu(const KernelSite& site);
Kernel sigmoid(const KernelSite& site);
Kernel sin(const KernelSite& site);
Kernel slice(const KernelSite& site);
Kernel softmax(const KernelSite& site);
Kernel softplus(const KernelSite& site);
Kernel softsign(const KernelSite& site);
Kernel space_to_depth(const KernelSite& site);
Kernel sqrt(const KernelSite& site);
Kernel sub(const KernelSite& site);
Kernel swish(const KernelSite& site);
Kernel tanh(const KernelSite& site);
Kernel tile(const KernelSite& site);
Kernel transpose(const KernelSite& site);

}  // namespace kernels
}  // namespace morph
