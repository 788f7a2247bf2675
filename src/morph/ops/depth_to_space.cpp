#include "morph/base/error.h"
#include "morph/ops/blocks.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 2> kAttributes = {"blocksize", "mode"};

Shape depth_to_space_shape(const Node& node, std::span<const Shape> inputs) {
  const Shape& x = inputs[0];
  check_rank(node, x, 4, 4);
  const int64_t size = block_size(node);
  const std::string mode = node.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") {
    throw Error(cat(node.label(), " attribute 'mode' must be DCR or CRD, got '", mode, "'"));
  }
  if (x[1] % (size * size) != 0) {
    throw Error(cat(node.label(),
                    " blocks of ",
                    size,
                    "x",
                    size,
                    " need a multiple of ",
                    size * size,
                    " channels, got ",
                    x[1]));
  }
  return {x[0], x[1] / (size * size), x[2] * size, x[3] * size};
}

/// The channels that become one output channel lie at different places of it, and go together.
Channels depth_to_space_channels(const Node& node,
                                 std::span<const ValueChannels> inputs,
                                 ChannelFlow& flow) {
  const Channels moved =
      moved_channels(node, inputs[0], depth_to_space_move(node, inputs[0].shape));
  return Channels::along(4, 1, flow.along_axis(moved, node.shape, 1));
}

}  // namespace

constinit const OpDef kDepthToSpace{
    .name = "DepthToSpace",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = depth_to_space_shape,
    .channels = depth_to_space_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
