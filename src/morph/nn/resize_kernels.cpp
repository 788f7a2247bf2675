#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/where.h>

#include "morph/nn/kernels.h"
#include "morph/ops/interpolation.h"

namespace morph::kernels {
namespace {

/// A table that is the same in every call, kept in the type and place of the last one.
class Table {
 public:
  explicit Table(at::Tensor tensor) : tensor_(std::move(tensor)) {}

  const at::Tensor& like(const at::TensorOptions& options) {
    tensor_ = tensor_.to(options);
    return tensor_;
  }

 private:
  at::Tensor tensor_;
};

/// Takes the position with the only weight in each row.
Kernel picked_along(const ResizedAxis& axis, const AxisWeights& by) {
  std::vector<int64_t> positions;
  for (auto row = by.weights.begin(); row != by.weights.end(); row += axis.input) {
    positions.push_back(std::max_element(row, row + axis.input) - row);
  }
  return [table = Table(at::tensor(positions, at::kLong)),
          along = static_cast<int64_t>(axis.axis)](const KernelCall& call) mutable {
    const at::Tensor& x = call.input();
    return at::index_select(x, along, table.like(x.options().dtype(at::kLong)));
  };
}

/// Multiplies the axis by the matrix of weights.
Kernel weighted_along(const ResizedAxis& axis, const AxisWeights& by) {
  const at::Tensor matrix =
      at::tensor(by.weights, at::kDouble).reshape({axis.output, axis.input}).t().contiguous();
  return [table = Table(matrix),
          along = static_cast<int64_t>(axis.axis)](const KernelCall& call) mutable {
    const at::Tensor& x = call.input();
    return at::matmul(x.transpose(along, -1), table.like(x.options())).transpose(along, -1);
  };
}

/// Puts a number where the output shows what is outside of the input.
Kernel filled_along(const ResizedAxis& axis, const AxisWeights& by, size_t rank, double value) {
  std::vector<double> outside(by.is_outside.begin(), by.is_outside.end());
  std::vector<int64_t> extents(rank, 1);
  extents[axis.axis] = axis.output;
  return [table = Table(at::tensor(outside, at::kDouble).reshape(extents)),
          value](const KernelCall& call) mutable {
    const at::Tensor& x = call.input();
    return at::where(table.like(x.options()) > 0, value, x);
  };
}

/// The one of LibTorch's own kernels that does the same, on [N, C, H, W]: with aligned corners or
/// without.
std::optional<bool> bilinear_corners(const Node& node, const std::vector<ResizedAxis>& axes) {
  const std::string mode = node.text("coordinate_transformation_mode", "half_pixel");
  const bool on_map = node.shape.size() == 4 && axes.size() == 2 && axes[0].axis == 2;
  const bool is_plain =
      node.integer("antialias", 0) == 0 && node.integer("exclude_outside", 0) == 0;
  if (node.text("mode", "nearest") != "linear" || !on_map || !is_plain) return std::nullopt;
  const bool to_one = axes[0].output == 1 || axes[1].output == 1;
  if (mode == "half_pixel" || (mode == "pytorch_half_pixel" && !to_one)) return false;
  const auto is_whole = [](const ResizedAxis& axis) {
    return axis.scale * static_cast<double>(axis.input) == static_cast<double>(axis.output);
  };
  if (mode == "align_corners" && is_whole(axes[0]) && is_whole(axes[1])) return true;
  return std::nullopt;
}

}  // namespace

/// Every mode is linear in the input and works along one axis after the other.
Kernel resize(const KernelSite& site) {
  const Node& node = site.node;
  const std::vector<ResizedAxis> axes = resized_axes(node, site.inputs.front());
  if (const std::optional<bool> corners = bilinear_corners(node, axes)) {
    return [corners = *corners, axes](const KernelCall& call) {
      return at::upsample_bilinear2d(
          call.input(), {axes[0].output, axes[1].output}, corners, axes[0].scale, axes[1].scale);
    };
  }
  std::vector<Kernel> steps;
  std::vector<Kernel> fills;
  for (const ResizedAxis& axis : axes) {
    const AxisWeights by = interpolation_weights(node, axis);
    const bool is_nearest = node.text("mode", "nearest") == "nearest";
    steps.push_back(is_nearest ? picked_along(axis, by) : weighted_along(axis, by));
    if (std::find(by.is_outside.begin(), by.is_outside.end(), true) != by.is_outside.end()) {
      const double value = node.number("extrapolation_value", 0);
      fills.push_back(filled_along(axis, by, node.shape.size(), value));
    }
  }
  steps.insert(steps.end(), fills.begin(), fills.end());
  return [steps](const KernelCall& call) {
    at::Tensor value = call.input();
    for (const Kernel& step : steps) {
      value = step({std::span(&value, 1), call.params, call.training});
    }
    return value;
  };
}

}  // namespace morph::kernels
