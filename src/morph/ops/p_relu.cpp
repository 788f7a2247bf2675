#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array kSlots = {Slot{.name = "slope", .required = true, .trainable = true}};

/// The axis of the input that axis `i` of the slope lies on: they are aligned from the last.
size_t input_axis(const Shape& slope, const Shape& input, size_t i) {
  return i + input.size() - slope.size();
}

Shape p_relu_shape(const Node& node, std::span<const Shape> inputs) {
  const Shape& slope = node.params.at("slope").shape;
  bool fits = slope.size() < inputs[0].size();
  for (size_t i = 0; fits && i < slope.size(); ++i) {
    fits = slope[i] == 1 || slope[i] == inputs[0][input_axis(slope, inputs[0], i)];
  }
  if (!fits) {
    throw Error(cat(node.label(),
                    " a slope of shape ",
                    format_shape(slope),
                    " does not broadcast to one example of an input of shape ",
                    format_shape(inputs[0])));
  }
  return inputs[0];
}

Channels p_relu_channels(const Node& node,
                         std::span<const ValueChannels> inputs,
                         ChannelFlow& flow) {
  const auto& [shape, channels] = inputs[0];
  const Shape& slope = node.params.at("slope").shape;
  for (size_t i = 0; i < slope.size(); ++i) {
    const size_t axis = input_axis(slope, shape, i);
    if (slope[i] == 1 || !channels.varies_along(axis)) continue;
    flow.bind_output("slope", i, flow.along_axis(channels, shape, axis));
  }
  return channels;
}

/// A slope for each channel, one for all, or one for each position of a channel.
Work p_relu_work(const Node& node, std::span<const Shape>) {
  return {.offsets = static_cast<double>(element_count(node.params.at("slope").shape))};
}

}  // namespace

constinit const OpDef kPRelu{
    .name = "PRelu",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = kSlots,
    .attributes = {},
    .infer_shape = p_relu_shape,
    .channels = p_relu_channels,
    .work = p_relu_work,
    .resize = keep_attributes,
};

}  // namespace morph
