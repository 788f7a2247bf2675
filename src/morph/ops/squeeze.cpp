#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"axes"};

/// By axis, whether it is dropped: those that 'axes' names, or all of size 1 but the batch.
std::vector<bool> dropped_axes(const Node& node, const Shape& input) {
  std::vector<bool> dropped(input.size(), false);
  if (node.attrs.count("axes") == 0) {
    for (size_t axis = 1; axis < input.size(); ++axis) dropped[axis] = input[axis] == 1;
    return dropped;
  }
  for (const int64_t named : node.ints("axes", {})) {
    const size_t axis = data_axis(node, named, input.size());
    if (input[axis] != 1) {
      throw Error(cat(node.label(),
                      " cannot drop axis ",
                      axis,
                      " of an input of shape ",
                      format_shape(input),
                      ": its size is not 1"));
    }
    dropped[axis] = true;
  }
  return dropped;
}

Shape without(const Shape& shape, const std::vector<bool>& dropped) {
  Shape result;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (!dropped[axis]) result.push_back(shape[axis]);
  }
  return result;
}

Shape squeeze_shape(const Node& node, std::span<const Shape> inputs) {
  return without(inputs[0], dropped_axes(node, inputs[0]));
}

/// A single channel lies on axis 1; without that axis it could not be widened.
Channels squeeze_channels(const Node& node,
                          std::span<const ValueChannels> inputs,
                          ChannelFlow& flow) {
  const auto& [shape, channels] = inputs[0];
  const std::vector<bool> dropped = dropped_axes(node, shape);
  if (shape.size() > 1 && dropped[1] && channels.ids.size() == 1) {
    flow.pin(channels.ids, cat("axis of a single channel dropped in '", node.name, "'"));
  }
  return {.extents = without(channels.extents, dropped),
          .ids = channels.ids,
          .is_open = channels.is_open};
}

}  // namespace

constinit const OpDef kSqueeze{
    .name = "Squeeze",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = squeeze_shape,
    .channels = squeeze_channels,
    .work = view_work,
    .resize = keep_attributes,
};

}  // namespace morph
