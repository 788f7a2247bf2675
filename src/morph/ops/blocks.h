#pragma once

#include <cstdint>
#include <vector>

#include "morph/ops/op_def.h"

namespace morph {

/// How DepthToSpace and SpaceToDepth move what they read: it is read as `split`, whose axes are
/// then taken in the order `perm` and read as the output.
struct BlockMove {
  Shape split = {};
  std::vector<int64_t> perm = {};
};

/// The attribute 'blocksize'. Throws Error if it is not stated or below 1.
int64_t block_size(const Node& node);

/// The move of a DepthToSpace that reads a value of shape `input` [N, C, H, W].
BlockMove depth_to_space_move(const Node& node, const Shape& input);

/// The move of a SpaceToDepth that reads a value of shape `input` [N, C, H, W].
BlockMove space_to_depth_move(const Node& node, const Shape& input);

/// The channels of the output of a node that moves its input so.
Channels moved_channels(const Node& node, const ValueChannels& input, const BlockMove& move);

}  // namespace morph
