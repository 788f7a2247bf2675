#include "morph/ops/blocks.h"

#include "morph/base/error.h"
#include "morph/ops/id_tensor.h"

namespace morph {

int64_t block_size(const Node& node) {
  const int64_t size = node.integer("blocksize", 0);
  if (size < 1 || size > 1024) {
    throw Error(
        cat(node.label(), " attribute 'blocksize' must lie between 1 and 1024, got ", size));
  }
  return size;
}

BlockMove depth_to_space_move(const Node& node, const Shape& input) {
  const int64_t size = block_size(node);
  const int64_t channels = input[1] / (size * size);
  if (node.text("mode", "DCR") == "CRD") {
    return {.split = {input[0], channels, size, size, input[2], input[3]},
            .perm = {0, 1, 4, 2, 5, 3}};
  }
  return {.split = {input[0], size, size, channels, input[2], input[3]},
          .perm = {0, 3, 4, 1, 5, 2}};
}

BlockMove space_to_depth_move(const Node& node, const Shape& input) {
  const int64_t size = block_size(node);
  return {.split = {input[0], input[1], input[2] / size, size, input[3] / size, size},
          .perm = {0, 3, 5, 1, 2, 4}};
}

Channels moved_channels(const Node& node, const ValueChannels& input, const BlockMove& move) {
  const Channels split = reinterpreted(input.channels, input.shape, move.split);
  Shape swapped;
  for (const int64_t axis : move.perm) swapped.push_back(move.split[static_cast<size_t>(axis)]);
  return reinterpreted(permuted(split, move.perm), swapped, node.shape);
}

}  // namespace morph
