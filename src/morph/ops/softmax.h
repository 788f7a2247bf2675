#pragma once

#include <span>

#include "morph/ops/op_def.h"

namespace morph {

/// Rule for infer_shape of ops that normalise along the attribute 'axis', the last by default.
Shape softmax_shape(const Node& node, std::span<const Shape> inputs);

/// Rule for channels: handed on. Each output depends on all positions along the axis, so channels
/// along it are pinned, or, if a reshape split them into it and another axis, tied along it.
Channels softmax_channels(const Node& node,
                          std::span<const ValueChannels> inputs,
                          ChannelFlow& flow);

}  // namespace morph
