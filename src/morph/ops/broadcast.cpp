#include "morph/ops/broadcast.h"

#include <algorithm>
#include <optional>

#include "morph/base/error.h"

namespace morph {
namespace {

std::vector<bool> varying_axes(std::span<const ValueChannels> inputs) {
  std::vector<bool> varying(inputs[0].shape.size(), false);
  for (const ValueChannels& input : inputs) {
    for (size_t axis = 0; axis < varying.size(); ++axis) {
      if (input.channels.varies_along(axis)) varying[axis] = true;
    }
  }
  return varying;
}

bool is_spread(const ValueChannels& input, const std::vector<bool>& varying) {
  bool any = false;
  for (size_t axis = 0; axis < varying.size(); ++axis) {
    if (!varying[axis]) continue;
    if (input.shape[axis] != 1) return false;
    any = true;
  }
  return any && input.channels.ids.size() == 1;
}

}  // namespace

Shape broadcast_shape(const Node& node, std::span<const Shape> inputs) {
  Shape shape = inputs[0];
  for (const Shape& input : inputs.subspan(1)) {
    bool fits = input.size() == shape.size();
    for (size_t axis = 0; fits && axis < shape.size(); ++axis) {
      fits = shape[axis] == input[axis] || shape[axis] == 1 || input[axis] == 1;
      shape[axis] = std::max(shape[axis], input[axis]);
    }
    if (!fits) {
      throw Error(cat(node.label(),
                      " expected operands of one rank whose sizes are equal or 1, got ",
                      format_shape(inputs[0]),
                      " and ",
                      format_shape(input)));
    }
  }
  return shape;
}

std::vector<bool> spread_operands(std::span<const ValueChannels> inputs) {
  const std::vector<bool> varying = varying_axes(inputs);
  std::vector<bool> spread;
  for (const ValueChannels& input : inputs) spread.push_back(is_spread(input, varying));
  return spread;
}

Channels united_channels(std::span<const ValueChannels> inputs,
                         const Shape& shape,
                         ChannelFlow& flow) {
  const std::vector<bool> varying = varying_axes(inputs);
  std::optional<Channels> united;
  for (const ValueChannels& input : inputs) {
    if (is_spread(input, varying)) continue;
    const Channels channels = input.channels.expanded(shape, varying);
    if (united) {
      flow.tie(united->ids, channels.ids);
    } else {
      united = channels;
    }
  }
  MORPH_CHECK(united);
  return *united;
}

}  // namespace morph
