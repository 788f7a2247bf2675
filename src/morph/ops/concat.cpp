#include <algorithm>

#include "morph/base/error.h"
#include "morph/ops/broadcast.h"
#include "morph/ops/id_tensor.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"axis"};

size_t concat_axis(const Node& node, size_t rank) {
  if (node.attrs.count("axis") == 0) throw Error(cat(node.label(), " needs the attribute 'axis'"));
  return data_axis(node, node.integer("axis", 0), rank);
}

Shape concat_shape(const Node& node, std::span<const Shape> inputs) {
  Shape shape = inputs[0];
  const size_t axis = concat_axis(node, shape.size());
  for (const Shape& input : inputs.subspan(1)) {
    Shape like_first = input;
    if (axis < input.size()) like_first[axis] = inputs[0][axis];
    if (like_first != inputs[0]) {
      throw Error(cat(node.label(),
                      " expected inputs that differ on axis ",
                      axis,
                      " only, got ",
                      format_shape(inputs[0]),
                      " and ",
                      format_shape(input)));
    }
    shape[axis] += input[axis];
  }
  return shape;
}

/// Channels lie along other axes than the one the parts are put together on: channel i of one part
/// continues channel i of the others.
Channels continued(std::span<const Channels> parts, ChannelFlow& flow) {
  for (const Channels& part : parts.subspan(1)) flow.tie(parts[0].ids, part.ids);
  return parts[0];
}

Channels concat_channels(const Node& node,
                         std::span<const ValueChannels> inputs,
                         ChannelFlow& flow) {
  const size_t axis = concat_axis(node, node.shape.size());
  const std::vector<Channels> met = met_channels(inputs, flow);
  std::vector<bool> grown(node.shape.size(), false);
  for (const Channels& channels : met) {
    for (size_t i = 0; i < grown.size(); ++i) {
      if (channels.varies_along(i)) grown[i] = true;
    }
  }
  const bool along_others =
      !grown[axis] && std::find(grown.begin(), grown.end(), true) != grown.end();
  grown[axis] = !along_others;
  std::vector<Channels> parts;
  for (size_t i = 0; i < inputs.size(); ++i) {
    parts.push_back(met[i].expanded(inputs[i].shape, grown));
    if (inputs[i].channels.is_open && !along_others) {
      flow.pin(parts[i].ids, cat("a constant beside the channels of '", node.name, "'"));
    }
  }
  return along_others ? continued(parts, flow) : joined(parts, axis);
}

}  // namespace

constinit const OpDef kConcat{
    .name = "Concat",
    .min_inputs = 1,
    .max_inputs = kAnyNumber,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = concat_shape,
    .channels = concat_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
    .needs = Needs::kAnyInput,
};

}  // namespace morph
