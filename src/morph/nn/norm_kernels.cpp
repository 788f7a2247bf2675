#include <ATen/TensorOperators.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/div.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/where.h>

#include "morph/nn/kernels.h"
#include "morph/ops/rules.h"

namespace morph::kernels {
namespace {

at::Tensor normalized_groups(const KernelCall& call, int64_t groups, double epsilon) {
  return at::group_norm(call.input(), groups, call.param("weight"), call.param("bias"), epsilon);
}

}  // namespace

Kernel group_normalization(const KernelSite& site) {
  const int64_t groups = site.node.integer("num_groups", 1);
  const double epsilon = site.node.number("epsilon", 1e-5);
  return [=](const KernelCall& call) { return normalized_groups(call, groups, epsilon); };
}

/// Each channel is a group of its own.
Kernel instance_normalization(const KernelSite& site) {
  const int64_t channels = site.node.shape[1];
  const double epsilon = site.node.number("epsilon", 1e-5);
  return [=](const KernelCall& call) { return normalized_groups(call, channels, epsilon); };
}

Kernel layer_normalization(const KernelSite& site) {
  const Shape& shape = site.node.shape;
  const size_t first = data_axis(site.node, site.node.integer("axis", -1), shape.size());
  const Shape normalized(shape.begin() + static_cast<std::ptrdiff_t>(first), shape.end());
  const double epsilon = site.node.number("epsilon", 1e-5);
  return [=](const KernelCall& call) {
    return at::layer_norm(
        call.input(), normalized, call.param("weight"), call.optional_param("bias"), epsilon);
  };
}

/// What is all zero stays zero.
Kernel lp_normalization(const KernelSite& site) {
  const int64_t axis = site.node.integer("axis", -1);
  const int64_t p = site.node.integer("p", 2);
  return [axis, p](const KernelCall& call) {
    const at::Tensor norm = at::linalg_vector_norm(call.input(), p, {axis}, /*keepdim=*/true);
    return at::div(call.input(), at::where(norm == 0, 1, norm));
  };
}

/// x / (bias + alpha / size · Σ x²)^beta over `size` channels around each, half of the others
/// behind it, rounded up.
Kernel lrn(const KernelSite& site) {
  const double alpha = site.node.number("alpha", 1e-4);
  const double beta = site.node.number("beta", 0.75);
  const double bias = site.node.number("bias", 1);
  const int64_t size = site.node.integer("size", 1);
  const std::vector<int64_t> around = {0, 0, (size - 1) / 2, size / 2};
  return [=](const KernelCall& call) {
    const at::Tensor& x = call.input();
    const at::Tensor squares = at::mul(x, x).flatten(2).unsqueeze(1);
    const at::Tensor mean =
        at::avg_pool2d(at::constant_pad_nd(squares, around), {size, 1}, /*stride=*/{1, 1});
    const at::Tensor scale = at::pow(mean * alpha + bias, beta).squeeze(1).view_as(x);
    return at::div(x, scale);
  };
}

}  // namespace morph::kernels
