#include "morph/base/error.h"
#include "morph/ops/normalization.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"epsilon"};

Shape instance_normalization_shape(const Node& node, std::span<const Shape> inputs) {
  check_rank(node, inputs[0], 3, kAnyNumber);
  for (const char* slot : {"weight", "bias"}) check_param(node, slot, {inputs[0][1]});
  check_epsilon(node);
  return inputs[0];
}

/// Position i of axis 1 is normalised by itself. Channels that a reshape put behind one position,
/// as exports of group normalisation do, share its statistics and are tied.
Channels instance_normalization_channels(const Node& node,
                                         std::span<const ValueChannels> inputs,
                                         ChannelFlow& flow) {
  const auto& [shape, channels] = inputs[0];
  const std::vector<ChannelId> ids = flow.along_axis(channels, shape, 1);
  if (ids.size() == 1 && channels.ids.size() > 1) {
    flow.pin(ids, cat("normalised over all channels in '", node.name, "'"));
  }
  for (const char* slot : {"weight", "bias"}) flow.bind_output(slot, 0, ids);
  return Channels::along(shape.size(), 1, ids);
}

}  // namespace

constinit const OpDef kInstanceNormalization{
    .name = "InstanceNormalization",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = kScaleAndShift,
    .attributes = kAttributes,
    .infer_shape = instance_normalization_shape,
    .channels = instance_normalization_channels,
    .work = scale_and_shift_work,
    .resize = keep_attributes,
    .scale_slot = "weight",
};

}  // namespace morph
