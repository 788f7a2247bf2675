#include <algorithm>
#include <limits>
#include <numeric>

#include <ATen/ops/amax.h>
#include <ATen/ops/avg_pool1d.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/avg_pool3d.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/div.h>
#include <ATen/ops/full.h>
#include <ATen/ops/max_pool1d.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/max_pool3d.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/ones.h>

#include "morph/base/error.h"
#include "morph/nn/kernels.h"
#include "morph/nn/padded_window.h"

namespace morph::kernels {
namespace {

enum class Border { kIgnored, kCounted };

at::Tensor max_over(const at::Tensor& x, const PaddedWindow& w, const std::vector<int64_t>& pads) {
  switch (w.kernel.size()) {
    case 1:
      return at::max_pool1d(x, w.kernel, w.strides, pads, w.dilations);
    case 2:
      return at::max_pool2d(x, w.kernel, w.strides, pads, w.dilations);
    default:
      return at::max_pool3d(x, w.kernel, w.strides, pads, w.dilations);
  }
}

at::Tensor mean_over(const at::Tensor& x,
                     const PaddedWindow& w,
                     const std::vector<int64_t>& pads,
                     Border border) {
  const bool counted = border == Border::kCounted;
  switch (w.kernel.size()) {
    case 1:
      return at::avg_pool1d(x, w.kernel, w.strides, pads, /*ceil_mode=*/false, counted);
    case 2:
      return at::avg_pool2d(x, w.kernel, w.strides, pads, /*ceil_mode=*/false, counted);
    default:
      return at::avg_pool3d(x, w.kernel, w.strides, pads, /*ceil_mode=*/false, counted);
  }
}

/// The mean of each window whose positions lie apart, by a convolution: LibTorch's pools know no
/// dilation.
at::Tensor dilated_mean(const at::Tensor& padded, const PaddedWindow& w) {
  Shape weight = {padded.size(1), 1};
  weight.insert(weight.end(), w.kernel.begin(), w.kernel.end());
  const std::vector<int64_t> none(w.kernel.size(), 0);
  const double share = 1.0 / static_cast<double>(element_count(w.kernel));
  return at::convolution(padded,
                         at::full(weight, share, padded.options()),
                         /*bias=*/std::nullopt,
                         w.strides,
                         none,
                         w.dilations,
                         /*transposed=*/false,
                         none,
                         padded.size(1));
}

at::Tensor mean_over_padded(const at::Tensor& padded, const PaddedWindow& w) {
  if (w.is_dilated()) return dilated_mean(padded, w);
  return mean_over(padded, w, std::vector<int64_t>(w.kernel.size(), 0), Border::kCounted);
}

/// 1 where a position of the padded input counts into a mean, 0 where it does not: [1, 1,
/// spatial…].
at::Tensor countable(const at::Tensor& x, const PaddedWindow& w, Border border) {
  Shape shape(x.sizes().begin(), x.sizes().end());
  shape[0] = shape[1] = 1;
  std::vector<int64_t> begin = w.pads_begin;
  std::vector<int64_t> end = w.explicit_end();
  if (border == Border::kCounted) {
    for (size_t axis = 0; axis < begin.size(); ++axis) {
      shape[axis + 2] += w.pads_begin[axis] + w.pads_end[axis];
      begin[axis] = 0;
      end[axis] -= w.pads_end[axis];
    }
  }
  return at::constant_pad_nd(at::ones(shape, x.options()), innermost_first(begin, end));
}

}  // namespace

Kernel average_pool(const KernelSite& site) {
  const PaddedWindow window = padded_window(site, site.node.ints("kernel_shape", {}));
  const Border border =
      site.node.integer("count_include_pad", 0) != 0 ? Border::kCounted : Border::kIgnored;
  // LibTorch would count what hangs over the node's padding, ONNX does not.
  const bool miscounts = border == Border::kCounted && window.hangs_over();
  if (window.is_symmetric_pool() && !miscounts && !window.is_dilated()) {
    return [window, border](const KernelCall& call) {
      return mean_over(call.input(), window, window.pads_begin, border);
    };
  }
  const std::vector<int64_t> outer = innermost_first(window.pads_begin, window.explicit_end());
  return [window, border, outer](const KernelCall& call) {
    const at::Tensor padded = at::constant_pad_nd(call.input(), outer);
    const at::Tensor share = countable(call.input(), window, border);
    return at::div(mean_over_padded(padded, window), mean_over_padded(share, window));
  };
}

Kernel global_average_pool(const KernelSite& site) {
  std::vector<int64_t> axes(site.node.shape.size() - 2);
  std::iota(axes.begin(), axes.end(), 2);
  return [axes](const KernelCall& call) { return at::mean(call.input(), axes, /*keepdim=*/true); };
}

Kernel global_max_pool(const KernelSite& site) {
  std::vector<int64_t> axes(site.node.shape.size() - 2);
  std::iota(axes.begin(), axes.end(), 2);
  return [axes](const KernelCall& call) { return at::amax(call.input(), axes, /*keepdim=*/true); };
}

Kernel max_pool(const KernelSite& site) {
  const PaddedWindow window = padded_window(site, site.node.ints("kernel_shape", {}));
  if (window.is_symmetric_pool()) {
    return [window](const KernelCall& call) {
      return max_over(call.input(), window, window.pads_begin);
    };
  }
  const std::vector<int64_t> outer = innermost_first(window.pads_begin, window.explicit_end());
  return [window, outer](const KernelCall& call) {
    constexpr double kNothing = -std::numeric_limits<double>::infinity();
    const at::Tensor padded = at::constant_pad_nd(call.input(), outer, kNothing);
    return max_over(padded, window, std::vector<int64_t>(window.kernel.size(), 0));
  };
}

}  // namespace morph::kernels
