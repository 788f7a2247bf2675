#include <ATen/ops/add.h>
#include <ATen/ops/div.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/sub.h>

#include "morph/nn/kernels.h"

namespace morph::kernels {
namespace {

/// Combines the inputs from left to right.
template <typename Combine>
at::Tensor folded(const KernelCall& call, const Combine& combine) {
  at::Tensor result = call.input();
  for (const at::Tensor& operand : call.inputs.subspan(1)) result = combine(result, operand);
  return result;
}

at::Tensor sum_of(const KernelCall& call) {
  return folded(call, [](const at::Tensor& a, const at::Tensor& b) { return at::add(a, b); });
}

}  // namespace

/// Add and Sum.
Kernel add(const KernelSite&) { return sum_of; }

Kernel div(const KernelSite&) {
  return [](const KernelCall& call) { return at::div(call.inputs[0], call.inputs[1]); };
}

Kernel max(const KernelSite&) {
  return [](const KernelCall& call) {
    return folded(call, [](const at::Tensor& a, const at::Tensor& b) { return at::maximum(a, b); });
  };
}

Kernel mean(const KernelSite&) {
  return [](const KernelCall& call) {
    return at::div(sum_of(call), static_cast<double>(call.inputs.size()));
  };
}

Kernel min(const KernelSite&) {
  return [](const KernelCall& call) {
    return folded(call, [](const at::Tensor& a, const at::Tensor& b) { return at::minimum(a, b); });
  };
}

Kernel mul(const KernelSite&) {
  return [](const KernelCall& call) { return at::mul(call.inputs[0], call.inputs[1]); };
}

Kernel pow(const KernelSite&) {
  return [](const KernelCall& call) { return at::pow(call.inputs[0], call.inputs[1]); };
}

Kernel sub(const KernelSite&) {
  return [](const KernelCall& call) { return at::sub(call.inputs[0], call.inputs[1]); };
}

/// Constant and Parameter: a batch of one, whatever the batch of the inputs.
Kernel constant(const KernelSite&) {
  return [](const KernelCall& call) { return call.param("value"); };
}

}  // namespace morph::kernels
