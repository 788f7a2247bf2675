#include <optional>

#include <ATen/ops/add.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/hardswish.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tanh.h>

#include "morph/nn/kernels.h"

namespace morph::kernels {
namespace {

/// The attribute as a bound, or no bound where the node does not state it.
std::optional<at::Scalar> bound(const Node& node, const std::string& key) {
  if (node.attrs.count(key) == 0) return std::nullopt;
  return node.number(key, 0);
}

}  // namespace

Kernel clip(const KernelSite& site) {
  const auto low = bound(site.node, "min");
  const auto high = bound(site.node, "max");
  if (!low && !high) return identity(site);
  return [low, high](const KernelCall& call) { return at::clamp(call.input(), low, high); };
}

Kernel dropout(const KernelSite& site) {
  const double ratio = site.node.number("ratio", 0.5);
  return
      [ratio](const KernelCall& call) { return at::dropout(call.input(), ratio, call.training); };
}

Kernel hard_sigmoid(const KernelSite& site) {
  const double alpha = site.node.number("alpha", 0.2);
  const double beta = site.node.number("beta", 0.5);
  return [alpha, beta](const KernelCall& call) {
    return at::clamp(at::add(at::mul(call.input(), alpha), beta), 0, 1);
  };
}

Kernel hard_swish(const KernelSite&) {
  return [](const KernelCall& call) { return at::hardswish(call.input()); };
}

Kernel identity(const KernelSite&) {
  return [](const KernelCall& call) { return call.input(); };
}

Kernel leaky_relu(const KernelSite& site) {
  const double alpha = site.node.number("alpha", 0.01);
  return [alpha](const KernelCall& call) { return at::leaky_relu(call.input(), alpha); };
}

Kernel relu(const KernelSite&) {
  return [](const KernelCall& call) { return at::relu(call.input()); };
}

Kernel sigmoid(const KernelSite&) {
  return [](const KernelCall& call) { return at::sigmoid(call.input()); };
}

Kernel softmax(const KernelSite& site) {
  const int64_t axis = site.node.integer("axis", -1);
  return [axis](const KernelCall& call) { return at::softmax(call.input(), axis); };
}

Kernel tanh(const KernelSite&) {
  return [](const KernelCall& call) { return at::tanh(call.input()); };
}

}  // namespace morph::kernels
