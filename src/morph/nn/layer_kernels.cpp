#include <algorithm>

#include <ATen/ops/add.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>

#include "morph/base/error.h"
#include "morph/nn/kernels.h"
#include "morph/nn/padded_window.h"
#include "morph/ops/filters.h"
#include "morph/ops/transposed_window.h"

namespace morph::kernels {
namespace {

/// Whether a convolution is one that oneDNN trains wrongly on a CPU: of one tap and with a stride
/// it gathers the positions that are read into a workspace, which it overruns when it computes the
/// gradient of the weights of fewer channels than it takes at a time, 8 or 16. Training then hangs,
/// dies or learns nonsense (uxlfoundation/oneDNN, issue 6035).
bool overruns_workspace(const PaddedWindow& window, int64_t channels) {
  constexpr int64_t kBlock = 16;
  const auto only = [](const std::vector<int64_t>& sizes, int64_t size) {
    return std::ranges::all_of(sizes, [size](int64_t each) { return each == size; });
  };
  return channels < kBlock && only(window.kernel, 1) && !only(window.strides, 1) &&
         only(window.implicit_pads(), 0);
}

/// The positions of `x` that a window of one tap reads.
at::Tensor positions_read(at::Tensor x, const std::vector<int64_t>& strides) {
  for (size_t axis = 0; axis < strides.size(); ++axis) {
    x = x.slice(static_cast<int64_t>(axis) + 2, 0, std::nullopt, strides[axis]);
  }
  return x;
}

}  // namespace

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
  const bool gathers_first = overruns_workspace(window, weight[1]);
  const std::vector<int64_t> every(window.kernel.size(), 1);
  return [=](const KernelCall& call) {
    at::Tensor x = outer.empty() ? call.input() : at::constant_pad_nd(call.input(), outer);
    const bool gathers = gathers_first && x.is_cpu();
    if (gathers) x = positions_read(x, window.strides);
    return at::convolution(x,
                           call.param("weight"),
                           call.optional_param("bias"),
                           gathers ? every : window.strides,
                           inner,
                           window.dilations,
                           /*transposed=*/false,
                           no_output_padding,
                           groups);
  };
}

Kernel conv_transpose(const KernelSite& site) {
  const Filters filters = transposed_filters(site.node);
  const TransposedWindow window = transposed_window(site.node, site.inputs.front(), filters.kernel);
  const std::vector<int64_t> none(window.output.size(), 0);
  std::vector<int64_t> outer;
  for (size_t axis = window.output.size(); axis-- > 0;) {
    outer.push_back(-window.cut_begin[axis]);
    outer.push_back(-window.cut_end[axis]);
  }
  const bool is_whole =
      std::all_of(outer.begin(), outer.end(), [](int64_t pad) { return pad == 0; });
  return [=](const KernelCall& call) {
    const at::Tensor whole = at::convolution(call.input(),
                                             call.param("weight"),
                                             /*bias=*/std::nullopt,
                                             window.strides,
                                             none,
                                             window.dilations,
                                             /*transposed=*/true,
                                             none,
                                             filters.groups);
    const at::Tensor y = is_whole ? whole : at::constant_pad_nd(whole, outer);
    const std::optional<at::Tensor> bias = call.optional_param("bias");
    if (!bias) return y;
    std::vector<int64_t> extents(none.size() + 2, 1);
    extents[1] = -1;
    return at::add(y, bias->reshape(extents));
  };
}

Kernel gemm(const KernelSite&) {
  return [](const KernelCall& call) {
    return at::linear(call.input(), call.param("weight"), call.optional_param("bias"));
  };
}

Kernel mat_mul(const KernelSite& site) {
  if (site.inputs.size() == 2) {
    return [](const KernelCall& call) { return at::matmul(call.inputs[0], call.inputs[1]); };
  }
  return [](const KernelCall& call) { return at::matmul(call.input(), call.param("weight")); };
}

}  // namespace morph::kernels
