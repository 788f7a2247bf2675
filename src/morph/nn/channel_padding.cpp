#include "morph/nn/channel_padding.h"

#include <algorithm>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "morph/nn/sample_outputs.h"
#include "morph/transform/pad.h"

namespace morph {
namespace {

/// Sums in another order, in double precision.
constexpr double kRounding = 1e-9;

}  // namespace

std::optional<ChannelPadding> ChannelPadding::find(const Graph& graph,
                                                   const Params& params,
                                                   int64_t multiple) {
  std::optional<Padded> padded = pad_channels(graph, multiple);
  if (!padded) return std::nullopt;
  ChannelPadding padding;
  for (const Node& node : padded->graph.nodes()) {
    for (const auto& [slot, param] : node.params) {
      const Slice& slice = padded->back.at(param.tensor);
      std::vector<Axis> axes;
      for (size_t axis = 0; axis < slice.keep.size(); ++axis) {
        if (!slice.keep[axis]) continue;
        axes.push_back({.axis = static_cast<int64_t>(axis),
                        .extent = param.shape[axis],
                        .positions = *slice.keep[axis]});
      }
      if (!axes.empty()) padding.axes_[param.tensor] = std::move(axes);
    }
  }
  padding.graph_ = std::move(padded->graph);
  const std::vector<at::Tensor> expected = sample_outputs(graph, params);
  const auto is_finite = [](const at::Tensor& output) {
    return output.isfinite().all().item<bool>();
  };
  if (!std::ranges::all_of(expected, is_finite)) return std::nullopt;
  const double difference =
      relative_difference(expected, sample_outputs(padding.graph_, padding.pad(params)));
  if (difference > kRounding) return std::nullopt;
  return padding;
}

at::Tensor ChannelPadding::pad(const std::string& name, const at::Tensor& tensor) const {
  const at::NoGradGuard no_grad;
  at::Tensor padded = tensor.detach().clone();
  const auto found = axes_.find(name);
  if (found == axes_.end()) return padded;
  for (const Axis& axis : found->second) {
    std::vector<int64_t> sizes = padded.sizes().vec();
    sizes[static_cast<size_t>(axis.axis)] = axis.extent;
    const at::Tensor positions = at::tensor(axis.positions, at::kLong).to(padded.device());
    padded = at::zeros(sizes, padded.options()).index_copy_(axis.axis, positions, padded);
  }
  return padded;
}

Params ChannelPadding::pad(const Params& params) const {
  Params padded;
  for (const auto& [name, tensor] : params) padded[name] = pad(name, tensor);
  return padded;
}

at::Tensor ChannelPadding::unpad(const std::string& name, const at::Tensor& tensor) const {
  const at::NoGradGuard no_grad;
  at::Tensor original = tensor.detach();
  const auto found = axes_.find(name);
  if (found == axes_.end()) return original.clone();
  for (const Axis& axis : found->second) {
    const at::Tensor positions = at::tensor(axis.positions, at::kLong).to(original.device());
    original = at::index_select(original, axis.axis, positions);
  }
  return original;
}

}  // namespace morph
