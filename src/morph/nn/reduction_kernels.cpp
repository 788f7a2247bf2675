#include <vector>

#include <ATen/ops/amax.h>
#include <ATen/ops/amin.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/sum.h>

#include "morph/nn/kernels.h"
#include "morph/ops/reduction.h"

namespace morph::kernels {
namespace {

/// A kernel that calls `reduce(x, axes, keeps axes)`, or hands on what has no axes to reduce.
template <typename Reduce>
Kernel over_axes(const KernelSite& site, const Reduce& reduce) {
  const std::vector<bool> reduced = reduced_axes(site.node, site.inputs.front().size());
  std::vector<int64_t> axes;
  for (size_t axis = 0; axis < reduced.size(); ++axis) {
    if (reduced[axis]) axes.push_back(static_cast<int64_t>(axis));
  }
  if (axes.empty()) return identity(site);
  const bool keeps = site.node.integer("keepdims", 1) != 0;
  return [=](const KernelCall& call) { return reduce(call.input(), axes, keeps); };
}

}  // namespace

Kernel reduce_l2(const KernelSite& site) {
  return over_axes(site, [](const at::Tensor& x, at::IntArrayRef axes, bool keeps) {
    return at::linalg_vector_norm(x, 2, axes, keeps);
  });
}

Kernel reduce_max(const KernelSite& site) {
  return over_axes(site, [](const at::Tensor& x, at::IntArrayRef axes, bool keeps) {
    return at::amax(x, axes, keeps);
  });
}

Kernel reduce_mean(const KernelSite& site) {
  return over_axes(site, [](const at::Tensor& x, at::IntArrayRef axes, bool keeps) {
    return at::mean(x, axes, keeps);
  });
}

Kernel reduce_min(const KernelSite& site) {
  return over_axes(site, [](const at::Tensor& x, at::IntArrayRef axes, bool keeps) {
    return at::amin(x, axes, keeps);
  });
}

Kernel reduce_sum(const KernelSite& site) {
  return over_axes(site, [](const at::Tensor& x, at::IntArrayRef axes, bool keeps) {
    return at::sum(x, axes, keeps);
  });
}

}  // namespace morph::kernels
