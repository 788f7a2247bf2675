#pragma once

#include <span>
#include <vector>

#include "morph/ops/op_def.h"

namespace morph {

/// Rule for infer_shape: on each axis the operands have one extent, or 1. Throws Error otherwise,
/// and if ranks differ: aligned from the last axis, batches would meet other axes.
Shape broadcast_shape(const Node& node, std::span<const Shape> inputs);

/// For each operand whether it is one channel spread over all channels of another operand.
std::vector<bool> spread_operands(std::span<const ValueChannels> inputs);

/// Ties what meets in one position, leaving spread operands alone, and returns the output's
/// channels. `shape` is the output's.
Channels united_channels(std::span<const ValueChannels> inputs,
                         const Shape& shape,
                         ChannelFlow& flow);

}  // namespace morph
