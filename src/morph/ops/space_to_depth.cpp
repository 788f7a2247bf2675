#include "morph/base/error.h"
#include "morph/ops/blocks.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"blocksize"};

Shape space_to_depth_shape(const Node& node, std::span<const Shape> inputs) {
  const Shape& x = inputs[0];
  check_rank(node, x, 4, 4);
  const int64_t size = block_size(node);
  if (x[2] % size != 0 || x[3] % size != 0) {
    throw Error(cat(node.label(),
                    " blocks of ",
                    size,
                    "x",
                    size,
                    " do not divide an input of shape ",
                    format_shape(x)));
  }
  return {x[0], x[1] * size * size, x[2] / size, x[3] / size};
}

Channels space_to_depth_channels(const Node& node,
                                 std::span<const ValueChannels> inputs,
                                 ChannelFlow& flow) {
  const Shape& shape = inputs[0].shape;
  const Channels channels = Channels::along(4, 1, flow.along_axis(inputs[0].channels, shape, 1));
  return moved_channels(node, {shape, channels}, space_to_depth_move(node, shape));
}

}  // namespace

constinit const OpDef kSpaceToDepth{
    .name = "SpaceToDepth",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = space_to_depth_shape,
    .channels = space_to_depth_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
