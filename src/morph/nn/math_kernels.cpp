#include <ATen/ops/abs.h>
#include <ATen/ops/add.h>
#include <ATen/ops/ceil.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/div.h>
#include <ATen/ops/elu.h>
#include <ATen/ops/erf.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/floor.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/log.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/lt.h>
#include <ATen/ops/mish.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/neg.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/where.h>

#include "morph/nn/kernels.h"

namespace morph::kernels {
namespace {

/// A function of each element by itself.
using Function = at::Tensor (*)(const at::Tensor&);

Kernel unary(Function function) {
  return [function](const KernelCall& call) { return function(call.input()); };
}

/// scale · x above 0, scale · alpha · (exp(x / width) - 1) below.
Kernel exponential_below_zero(double alpha, double scale, double width) {
  return [alpha, scale, width](const KernelCall& call) {
    return at::elu(call.input(), alpha, scale, 1 / width);
  };
}

}  // namespace

Kernel abs(const KernelSite&) { return unary(at::abs); }
Kernel ceil(const KernelSite&) { return unary(at::ceil); }
Kernel cos(const KernelSite&) { return unary(at::cos); }
Kernel erf(const KernelSite&) { return unary(at::erf); }
Kernel exp(const KernelSite&) { return unary(at::exp); }
Kernel floor(const KernelSite&) { return unary(at::floor); }
Kernel log(const KernelSite&) { return unary(at::log); }
Kernel mish(const KernelSite&) { return unary(at::mish); }
Kernel neg(const KernelSite&) { return unary(at::neg); }
Kernel reciprocal(const KernelSite&) { return unary(at::reciprocal); }
Kernel sin(const KernelSite&) { return unary(at::sin); }
Kernel sqrt(const KernelSite&) { return unary(at::sqrt); }

Kernel celu(const KernelSite& site) {
  const double alpha = site.node.number("alpha", 1);
  return exponential_below_zero(alpha, 1, alpha);
}

Kernel elu(const KernelSite& site) {
  return exponential_below_zero(site.node.number("alpha", 1), 1, 1);
}

/// ONNX's defaults are the constants of Klambauer et al. 2017 as 32-bit floats.
Kernel selu(const KernelSite& site) {
  return exponential_below_zero(site.node.number("alpha", 1.67326319217681884765625),
                                site.node.number("gamma", 1.05070102214813232421875),
                                1);
}

Kernel gelu(const KernelSite& site) {
  const std::string approximate = site.node.text("approximate", "none");
  return [approximate](const KernelCall& call) { return at::gelu(call.input(), approximate); };
}

Kernel log_softmax(const KernelSite& site) {
  const int64_t axis = site.node.integer("axis", -1);
  return [axis](const KernelCall& call) { return at::log_softmax(call.input(), axis); };
}

Kernel p_relu(const KernelSite&) {
  return [](const KernelCall& call) {
    const at::Tensor& x = call.input();
    return at::where(at::lt(x, 0), at::mul(x, call.param("slope")), x);
  };
}

Kernel softplus(const KernelSite&) {
  return [](const KernelCall& call) { return at::softplus(call.input()); };
}

Kernel softsign(const KernelSite&) {
  return [](const KernelCall& call) {
    const at::Tensor& x = call.input();
    return at::div(x, at::add(at::abs(x), 1));
  };
}

Kernel swish(const KernelSite& site) {
  const double alpha = site.node.number("alpha", 1);
  return [alpha](const KernelCall& call) {
    const at::Tensor& x = call.input();
    return at::mul(x, at::sigmoid(at::mul(x, alpha)));
  };
}

}  // namespace morph::kernels
