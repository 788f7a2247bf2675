#include "morph/base/error.h"
#include "morph/ops/broadcast.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

Channels mul_channels(const Node& node, std::span<const ValueChannels> inputs, ChannelFlow& flow) {
  const std::vector<bool> spread = spread_operands(inputs);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!spread[i]) continue;
    flow.pin(inputs[i].channels.ids, cat("multiplies every channel of '", node.name, "'"));
  }
  return united_channels(inputs, node.shape, flow);
}

}  // namespace

constinit const OpDef kMul{
    .name = "Mul",
    .min_inputs = 2,
    .max_inputs = 2,
    .slots = {},
    .attributes = {},
    .infer_shape = broadcast_shape,
    .channels = mul_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
