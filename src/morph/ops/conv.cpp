#include "morph/ops/filters.h"
#include "morph/ops/rules.h"
#include "morph/ops/window.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 6> kAttributes = {
    "auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"};

Shape conv_shape(const Node& node, std::span<const Shape> inputs) {
  const Filters filters = conv_filters(node);
  check_filtered(node, filters, inputs[0]);
  const Window window = sliding_window(node, inputs[0], filters.kernel);
  Shape shape = {inputs[0][0], filters.outputs};
  shape.insert(shape.end(), window.output.begin(), window.output.end());
  return shape;
}

std::vector<ChannelId> made_channels(const Filters& filters,
                                     const std::vector<ChannelId>& in,
                                     ChannelFlow& flow) {
  std::vector<ChannelId> out = flow.fresh(filters.outputs);
  tie_groups(in, filters.groups, flow);
  tie_groups(out, filters.groups, flow);
  flow.bind_input("weight", 1, {in.begin(), in.begin() + filters.inputs_per_group()});
  flow.reads(in);
  return out;
}

Channels conv_channels(const Node& node, std::span<const ValueChannels> inputs, ChannelFlow& flow) {
  const Filters filters = conv_filters(node);
  const auto& [shape, channels] = inputs[0];
  const std::vector<ChannelId> in = flow.along_axis(channels, shape, 1);
  const std::vector<ChannelId> out = filters.is_depthwise()
                                         ? each_repeated(in, filters.outputs_per_group())
                                         : made_channels(filters, in, flow);
  flow.bind_output("weight", 0, out);
  if (node.has_param("bias")) flow.bind_output("bias", 0, out);
  return Channels::along(shape.size(), 1, out);
}

/// The kernel is laid on as many places as the output has positions.
Work conv_work(const Node& node, std::span<const Shape>) {
  return filters_work(node, conv_filters(node), elements_per_position(node.shape, 1));
}

void conv_resize(Node& node, const Resize& change) {
  if (conv_filters(node).is_depthwise()) set_integer(node, "group", change.new_inputs[0][1], 1);
}

}  // namespace

constinit const OpDef kConv{
    .name = "Conv",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = kWeightAndBias,
    .attributes = kAttributes,
    .infer_shape = conv_shape,
    .channels = conv_channels,
    .work = conv_work,
    .resize = conv_resize,
};

}  // namespace morph
