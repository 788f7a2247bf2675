#include <algorithm>
#include <vector>

#include <ATen/ops/cat.h>
#include <ATen/ops/flip.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/pad.h>
#include <ATen/ops/slice.h>
#include <ATen/ops/tensor.h>

#include "morph/nn/kernels.h"
#include "morph/nn/padded_window.h"
#include "morph/ops/blocks.h"
#include "morph/ops/gather.h"
#include "morph/ops/slice.h"
#include "morph/ops/transpose.h"

namespace morph::kernels {
namespace {

/// LibTorch steps forwards only: what is taken backwards is taken forwards and turned round.
at::Tensor taken(const at::Tensor& value, const SliceRange& range) {
  const auto axis = static_cast<int64_t>(range.axis);
  const int64_t last = range.start + (range.count - 1) * range.step;
  if (range.step > 0) return at::slice(value, axis, range.start, last + 1, range.step);
  return at::flip(at::slice(value, axis, last, range.start + 1, -range.step), axis);
}

/// ONNX's pads as LibTorch takes them, without the outer axes that stay as they are: for modes
/// other than constant it demands that.
std::vector<int64_t> torch_pads(const std::vector<int64_t>& pads) {
  const auto middle = pads.begin() + static_cast<std::ptrdiff_t>(pads.size() / 2);
  std::vector<int64_t> result = innermost_first({pads.begin(), middle}, {middle, pads.end()});
  while (!result.empty() && result.back() == 0 && result[result.size() - 2] == 0) {
    result.resize(result.size() - 2);
  }
  return result;
}

/// The inputs with constants, which are a batch of one, repeated for the examples of the others.
std::vector<at::Tensor> of_one_batch(std::span<const at::Tensor> inputs) {
  int64_t batch = 1;
  for (const at::Tensor& input : inputs) batch = std::max(batch, input.size(0));
  std::vector<at::Tensor> result;
  for (const at::Tensor& input : inputs) {
    Shape shape(input.sizes().begin(), input.sizes().end());
    shape.front() = batch;
    result.push_back(input.expand(shape));
  }
  return result;
}

/// A shape that takes any batch.
Shape open_batch(Shape shape) {
  shape.front() = -1;
  return shape;
}

Kernel moved(const KernelSite& site, const BlockMove& move) {
  return [split = open_batch(move.split), perm = move.perm, target = open_batch(site.node.shape)](
             const KernelCall& call) {
    return call.input().reshape(split).permute(perm).reshape(target);
  };
}

}  // namespace

Kernel concat(const KernelSite& site) {
  const int64_t axis = site.node.integer("axis", 1);
  return [axis](const KernelCall& call) { return at::cat(of_one_batch(call.inputs), axis); };
}

Kernel depth_to_space(const KernelSite& site) {
  return moved(site, depth_to_space_move(site.node, site.inputs.front()));
}

Kernel space_to_depth(const KernelSite& site) {
  return moved(site, space_to_depth_move(site.node, site.inputs.front()));
}

Kernel expand(const KernelSite& site) {
  return [target = open_batch(site.node.shape)](const KernelCall& call) {
    return call.input().expand(target);
  };
}

Kernel gather(const KernelSite& site) {
  const auto [axis, positions] = gathered_positions(site.node, site.inputs.front());
  return [axis = static_cast<int64_t>(axis),
          table = at::tensor(positions, at::kLong),
          target = open_batch(site.node.shape)](const KernelCall& call) mutable {
    table = table.to(call.input().device());
    return at::index_select(call.input(), axis, table).reshape(target);
  };
}

Kernel tile(const KernelSite& site) {
  return [counts = site.node.ints("repeats", {})](const KernelCall& call) {
    return call.input().repeat(counts);
  };
}

Kernel pad(const KernelSite& site) {
  const std::vector<int64_t> pads = torch_pads(site.node.ints("pads", {}));
  if (pads.empty()) return identity(site);
  const std::string mode = site.node.text("mode", "constant");
  const double value = site.node.number("value", 0);
  if (mode == "constant") {
    return [pads, value](const KernelCall& call) {
      return at::pad(call.input(), pads, "constant", value);
    };
  }
  const std::string torch_mode = mode == "edge" ? "replicate" : "reflect";
  return [pads, torch_mode](const KernelCall& call) {
    return at::pad(call.input(), pads, torch_mode);
  };
}

/// Reshape, Flatten, Squeeze and Unsqueeze: the inferred shape with the first axis left open takes
/// any batch.
Kernel reshape(const KernelSite& site) {
  return [target = open_batch(site.node.shape)](const KernelCall& call) {
    return call.input().reshape(target);
  };
}

Kernel slice(const KernelSite& site) {
  return [ranges = slice_ranges(site.node, site.inputs.front())](const KernelCall& call) {
    at::Tensor value = call.input();
    for (const SliceRange& range : ranges) value = taken(value, range);
    return value;
  };
}

Kernel transpose(const KernelSite& site) {
  const std::vector<int64_t> perm = transpose_perm(site.node, site.node.shape.size());
  return [perm](const KernelCall& call) { return call.input().permute(perm); };
}

}  // namespace morph::kernels
