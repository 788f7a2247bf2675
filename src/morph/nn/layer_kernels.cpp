#include <ATen/ops/batch_norm.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/linear.h>

#include "morph/base/error.h"
#include "morph/nn/kernels.h"
#include "morph/nn/padded_window.h"

namespace morph::kernels {

Kernel batch_normalization(const KernelSite& site) {
  const double epsilon = site.node.number("epsilon", 1e-5);
  // ONNX keeps this share of the old running value, LibTorch takes this share of the new one.
  const double momentum = 1.0 - site.node.number("momentum", 0.9);
  return [epsilon, momentum, label = site.node.label()](const KernelCall& call) {
    const at::Tensor& x = call.input();
    if (call.training && x.numel() <= x.size(1)) {
      throw Error(cat(label,
                      " needs more than one value per channel in training; got a batch of ",
                      x.size(0),
                      ": take a larger one or drop the last"));
    }
    return at::batch_norm(x,
                          call.param("weight"),
                          call.param("bias"),
                          call.param("running_mean"),
                          call.param("running_var"),
                          call.training,
                          momentum,
                          epsilon,
                          /*cudnn_enabled=*/true);
  };
}

Kernel conv(const KernelSite& site) {
  const Shape& weight = site.node.params.at("weight").shape;
  const PaddedWindow window = padded_window(site, {weight.begin() + 2, weight.end()});
  const int64_t groups = site.node.integer("group", 1);
  const std::vector<int64_t> no_output_padding(window.kernel.size(), 0);
  std::vector<int64_t> outer;
  if (!window.is_symmetric()) outer = innermost_first(window.pads_begin, window.explicit_end());
  const std::vector<int64_t> inner = window.implicit_pads();
  return [=](const KernelCall& call) {
    const at::Tensor x = outer.empty() ? call.input() : at::constant_pad_nd(call.input(), outer);
    return at::convolution(x,
                           call.param("weight"),
                           call.optional_param("bias"),
                           window.strides,
                           inner,
                           window.dilations,
                           /*transposed=*/false,
                           no_output_padding,
                           groups);
  };
}

Kernel gemm(const KernelSite&) {
  return [](const KernelCall& call) {
    return at::linear(call.input(), call.param("weight"), call.optional_param("bias"));
  };
}

}  // namespace morph::kernels
