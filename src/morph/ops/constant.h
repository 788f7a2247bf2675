#pragma once

#include <array>
#include <span>
#include <string_view>

#include "morph/ops/op_def.h"

namespace morph {

/// The attributes of Constant and Parameter.
inline constexpr std::array<std::string_view, 1> kConstantAttributes = {"initial"};

/// Rule for infer_shape of a node that reads nothing: the shape of its param 'value', which begins
/// with 1. Constants are the same for every example, and meet a batch by broadcasting along axis 0.
Shape constant_shape(const Node& node, std::span<const Shape> inputs);

/// Rule for channels: new ones at every position, open (Channels::is_open).
Channels constant_channels(const Node& node,
                           std::span<const ValueChannels> inputs,
                           ChannelFlow& flow);

}  // namespace morph
