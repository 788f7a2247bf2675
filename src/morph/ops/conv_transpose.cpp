#include "morph/base/error.h"
#include "morph/ops/filters.h"
#include "morph/ops/rules.h"
#include "morph/ops/transposed_window.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 8> kAttributes = {"auto_pad",
                                                         "dilations",
                                                         "group",
                                                         "kernel_shape",
                                                         "output_padding",
                                                         "output_shape",
                                                         "pads",
                                                         "strides"};

Shape conv_transpose_shape(const Node& node, std::span<const Shape> inputs) {
  const Filters filters = transposed_filters(node);
  check_filtered(node, filters, inputs[0]);
  const TransposedWindow window = transposed_window(node, inputs[0], filters.kernel);
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
  flow.bind_input("weight", 0, in);
  flow.bind_output("weight", 1, {out.begin(), out.begin() + filters.outputs_per_group()});
  flow.reads(in);
  return out;
}

std::vector<ChannelId> depthwise_channels(const Filters& filters,
                                          const std::vector<ChannelId>& in,
                                          ChannelFlow& flow) {
  flow.bind_output("weight", 0, in);
  return each_repeated(in, filters.outputs_per_group());
}

Channels conv_transpose_channels(const Node& node,
                                 std::span<const ValueChannels> inputs,
                                 ChannelFlow& flow) {
  const Filters filters = transposed_filters(node);
  const auto& [shape, channels] = inputs[0];
  const std::vector<ChannelId> in = flow.along_axis(channels, shape, 1);
  const std::vector<ChannelId> out = filters.is_depthwise() ? depthwise_channels(filters, in, flow)
                                                            : made_channels(filters, in, flow);
  if (node.has_param("bias")) flow.bind_output("bias", 0, out);
  return Channels::along(shape.size(), 1, out);
}

/// The kernel is laid on every position of the input.
Work conv_transpose_work(const Node& node, std::span<const Shape> inputs) {
  return filters_work(node, transposed_filters(node), elements_per_position(inputs[0], 1));
}

void conv_transpose_resize(Node& node, const Resize& change) {
  if (transposed_filters(node).is_depthwise()) {
    set_integer(node, "group", change.new_inputs[0][1], 1);
  }
}

}  // namespace

constinit const OpDef kConvTranspose{
    .name = "ConvTranspose",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = kWeightAndBias,
    .attributes = kAttributes,
    .infer_shape = conv_transpose_shape,
    .channels = conv_transpose_channels,
    .work = conv_transpose_work,
    .resize = conv_transpose_resize,
};

}  // namespace morph
