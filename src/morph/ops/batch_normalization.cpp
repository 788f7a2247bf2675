#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 2> kAttributes = {"epsilon", "momentum"};

constexpr std::array kSlots = {
    Slot{.name = "weight", .required = true, .trainable = true},
    Slot{.name = "bias", .required = true, .trainable = true},
    Slot{.name = "running_mean", .required = true, .trainable = false},
    Slot{.name = "running_var", .required = true, .trainable = false},
};

Shape batch_normalization_shape(const Node& node, std::span<const Shape> inputs) {
  check_rank(node, inputs[0], 2, kAnyNumber);
  for (const Slot& slot : kSlots) check_param(node, std::string(slot.name), {inputs[0][1]});
  const double epsilon = node.number("epsilon", 1e-5);
  if (!(epsilon >= 0)) {
    throw Error(cat(node.label(), " attribute 'epsilon' must not be negative, got ", epsilon));
  }
  const double momentum = node.number("momentum", 0.9);
  if (!(momentum >= 0 && momentum <= 1)) {
    throw Error(cat(node.label(), " attribute 'momentum' must lie in [0, 1], got ", momentum));
  }
  return inputs[0];
}

Channels batch_normalization_channels(const Node&,
                                      std::span<const ValueChannels> inputs,
                                      ChannelFlow& flow) {
  const auto& [shape, channels] = inputs[0];
  const std::vector<ChannelId> ids = flow.along_axis(channels, shape, 1);
  for (const Slot& slot : kSlots) flow.bind_output(std::string(slot.name), 0, ids);
  return Channels::along(shape.size(), 1, ids);
}

Work batch_normalization_work(const Node&, std::span<const Shape>) {
  return {.offsets_per_output = 2};
}

}  // namespace

constinit const OpDef kBatchNormalization{
    .name = "BatchNormalization",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = kSlots,
    .attributes = kAttributes,
    .infer_shape = batch_normalization_shape,
    .channels = batch_normalization_channels,
    .work = batch_normalization_work,
    .resize = keep_attributes,
    .scale_slot = "weight",
};

}  // namespace morph
