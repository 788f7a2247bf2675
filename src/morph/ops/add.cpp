#include "morph/ops/broadcast.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

Channels add_channels(const Node& node, std::span<const ValueChannels> inputs, ChannelFlow& flow) {
  return united_channels(inputs, node.shape, flow);
}

}  // namespace

/// ONNX Add, also with more than two operands.
constinit const OpDef kAdd{
    .name = "Add",
    .min_inputs = 2,
    .max_inputs = kAnyNumber,
    .slots = {},
    .attributes = {},
    .infer_shape = broadcast_shape,
    .channels = add_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
    .needs = Needs::kAnyInput,
};

}  // namespace morph
