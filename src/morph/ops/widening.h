#pragma once

#include "morph/ops/op_def.h"

namespace morph {

/// The channels of a value whose axes of size 1 are repeated up to `shape`, as Expand and Tile do.
/// A single channel spread over axis 1 becomes new channels there, each of which may be left out by
/// itself; along other axes channels are repeated as they are.
Channels widened_channels(const ValueChannels& input, const Shape& shape, ChannelFlow& flow);

}  // namespace morph
