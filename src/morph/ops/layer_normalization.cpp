#include "morph/base/error.h"
#include "morph/ops/normalization.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 2> kAttributes = {"axis", "epsilon"};

size_t first_axis(const Node& node, size_t rank) {
  return data_axis(node, node.integer("axis", -1), rank);
}

Shape layer_normalization_shape(const Node& node, std::span<const Shape> inputs) {
  const Shape& x = inputs[0];
  const auto first = static_cast<std::ptrdiff_t>(first_axis(node, x.size()));
  const Shape normalized(x.begin() + first, x.end());
  for (const char* slot : {"weight", "bias"}) check_param(node, slot, normalized);
  check_epsilon(node);
  return x;
}

/// Without a channel the mean and the variance are those of the others, which is another function:
/// channels that are normalised over are pinned.
Channels layer_normalization_channels(const Node& node,
                                      std::span<const ValueChannels> inputs,
                                      ChannelFlow& flow) {
  const auto& [shape, channels] = inputs[0];
  for (size_t axis = first_axis(node, shape.size()); axis < shape.size(); ++axis) {
    if (!channels.varies_along(axis)) continue;
    flow.pin(channels.ids, cat("LayerNormalization over channels in '", node.name, "'"));
    return channels;
  }
  return channels;
}

}  // namespace

constinit const OpDef kLayerNormalization{
    .name = "LayerNormalization",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = kScaleAndOptionalShift,
    .attributes = kAttributes,
    .infer_shape = layer_normalization_shape,
    .channels = layer_normalization_channels,
    .work = scale_and_shift_work,
    .resize = keep_attributes,
};

}  // namespace morph
