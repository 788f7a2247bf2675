#include "morph/ops/broadcast.h"

#include <algorithm>
#include <optional>

#include "morph/base/error.h"

namespace morph {
namespace {

using Axes = std::vector<bool>;

/// A network's values, or its constants: the latter are open.
enum class Which { kSettled, kOpen };

bool is_any(std::span<const ValueChannels> inputs, Which which) {
  return std::any_of(inputs.begin(), inputs.end(), [which](const ValueChannels& input) {
    return input.channels.is_open == (which == Which::kOpen);
  });
}

Axes varying_axes(std::span<const ValueChannels> inputs, Which which) {
  Axes varying(inputs[0].shape.size(), false);
  for (const auto& [shape, channels] : inputs) {
    if (channels.is_open != (which == Which::kOpen)) continue;
    for (size_t axis = 0; axis < varying.size(); ++axis) {
      if (channels.varies_along(axis)) varying[axis] = true;
    }
  }
  return varying;
}

/// The axes of a constant that hold channels where it meets `inputs`. What it meets may be a single
/// channel that it spreads: then the first axis that it widens.
Axes channel_axes(std::span<const ValueChannels> inputs) {
  Axes axes = varying_axes(inputs, Which::kSettled);
  if (std::find(axes.begin(), axes.end(), true) != axes.end()) return axes;
  const Axes of_constants = varying_axes(inputs, Which::kOpen);
  for (size_t axis = 0; axis < axes.size(); ++axis) {
    const bool is_widened =
        of_constants[axis] && std::all_of(inputs.begin(), inputs.end(), [axis](const auto& input) {
          return input.channels.is_open || input.shape[axis] == 1;
        });
    if (!is_widened) continue;
    axes[axis] = true;
    break;
  }
  return axes;
}

Axes varying_axes(std::span<const Channels> operands) {
  Axes varying(operands[0].extents.size(), false);
  for (const Channels& channels : operands) {
    for (size_t axis = 0; axis < varying.size(); ++axis) {
      if (channels.varies_along(axis)) varying[axis] = true;
    }
  }
  return varying;
}

/// Whether an operand is one channel, spread over all channels of another operand.
bool is_spread(const Shape& shape, const Channels& channels, const Axes& varying) {
  bool any = false;
  for (size_t axis = 0; axis < varying.size(); ++axis) {
    if (!varying[axis]) continue;
    if (shape[axis] != 1) return false;
    any = true;
  }
  return any && channels.ids.size() == 1;
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

std::vector<Channels> met_channels(std::span<const ValueChannels> inputs, ChannelFlow& flow) {
  std::vector<Channels> operands;
  if (!is_any(inputs, Which::kSettled) || !is_any(inputs, Which::kOpen)) {
    for (const ValueChannels& input : inputs) operands.push_back(input.channels);
    return operands;
  }
  const Axes axes = channel_axes(inputs);
  for (const auto& [shape, channels] : inputs) {
    operands.push_back(channels.is_open ? flow.settle(channels, axes) : channels);
  }
  return operands;
}

Channels elementwise_channels(const Node& node,
                              std::span<const ValueChannels> inputs,
                              ChannelFlow& flow) {
  const std::vector<Channels> operands = met_channels(inputs, flow);
  const Axes varying = varying_axes(operands);
  const bool reads_as_zero = node.op == "Add" || node.op == "Sum";
  const std::string reason =
      cat(node.op == "Mul" ? "multiplies" : "meets", " every channel of '", node.name, "'");
  std::optional<Channels> united;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (is_spread(inputs[i].shape, operands[i], varying)) {
      if (!reads_as_zero || inputs[i].channels.is_open) flow.pin(operands[i].ids, reason);
      continue;
    }
    const Channels channels = operands[i].expanded(node.shape, varying);
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
