#pragma once

#include <span>

#include "morph/ops/op_def.h"

namespace morph {

/// Rule for infer_shape of ops that normalise along the attribute 'axis', the last by default.
Shape softmax_shape(const Node& node, std::span<const Shape> inputs);

/// Rule for channels: handed on. What varies along the axis is pinned: each output depends on all
/// of it, removed channels too.
Channels softmax_channels(const Node& node,
                          std::span<const ValueChannels> inputs,
                          ChannelFlow& flow);

}  // namespace morph
