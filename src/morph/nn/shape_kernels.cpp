#include <algorithm>
#include <numeric>
#include <vector>

#include <ATen/ops/cat.h>
#include <ATen/ops/pad.h>
#include <ATen/ops/slice.h>

#include "morph/base/error.h"
#include "morph/nn/kernels.h"

namespace morph::kernels {
namespace {

/// One axis of an ONNX Slice.
struct AxisSlice {
  int64_t axis;
  int64_t start;
  int64_t end;
  int64_t step;
};

std::vector<AxisSlice> axis_slices(const Node& node) {
  const std::vector<int64_t> starts = node.ints("starts", {});
  const std::vector<int64_t> ends = node.ints("ends", {});
  std::vector<int64_t> default_axes(starts.size());
  std::iota(default_axes.begin(), default_axes.end(), 0);
  const std::vector<int64_t> axes = node.ints("axes", default_axes);
  const std::vector<int64_t> steps = node.ints("steps", std::vector<int64_t>(starts.size(), 1));
  std::vector<AxisSlice> slices;
  for (size_t i = 0; i < starts.size(); ++i) {
    slices.push_back({axes.at(i), starts[i], ends.at(i), steps.at(i)});
  }
  return slices;
}

/// ONNX's pads, [begin of each axis, end of each axis], as LibTorch takes them: begin and end of
/// the last axis first, without the outer axes that stay as they are.
std::vector<int64_t> innermost_first(const std::vector<int64_t>& pads) {
  const size_t rank = pads.size() / 2;
  std::vector<int64_t> result;
  for (size_t axis = rank; axis-- > 0;) {
    result.insert(result.end(), {pads[axis], pads[rank + axis]});
  }
  while (result.size() >= 2 && result.back() == 0 && result[result.size() - 2] == 0) {
    result.resize(result.size() - 2);
  }
  return result;
}

}  // namespace

Kernel concat(const KernelSite& site) {
  const int64_t axis = site.node.integer("axis", 1);
  return [axis](const KernelCall& call) {
    return at::cat(at::TensorList(call.inputs.data(), call.inputs.size()), axis);
  };
}

Kernel pad(const KernelSite& site) {
  const std::vector<int64_t> pads = innermost_first(site.node.ints("pads", {}));
  if (pads.empty()) return identity(site);
  const std::string mode = site.node.text("mode", "constant");
  const double value = site.node.number("value", 0);
  if (mode == "constant") {
    return [pads, value](const KernelCall& call) {
      return at::pad(call.input(), pads, "constant", value);
    };
  }
  const std::string torch_mode = mode == "edge" ? "replicate" : mode;
  return [pads, torch_mode](const KernelCall& call) {
    return at::pad(call.input(), pads, torch_mode);
  };
}

/// Reshape and Flatten: the inferred shape with the first axis left open takes any batch.
Kernel reshape(const KernelSite& site) {
  Shape target = site.node.shape;
  target.front() = -1;
  return [target](const KernelCall& call) { return call.input().reshape(target); };
}

Kernel slice(const KernelSite& site) {
  return [slices = axis_slices(site.node)](const KernelCall& call) {
    at::Tensor value = call.input();
    for (const AxisSlice& part : slices) {
      value = at::slice(value, part.axis, part.start, part.end, part.step);
    }
    return value;
  };
}

Kernel transpose(const KernelSite& site) {
  std::vector<int64_t> reversed(site.node.shape.size());
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  const std::vector<int64_t> perm = site.node.ints("perm", reversed);
  return [perm](const KernelCall& call) { return call.input().permute(perm); };
}

}  // namespace morph::kernels
