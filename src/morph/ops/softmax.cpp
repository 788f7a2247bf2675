#include "morph/ops/softmax.h"

#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"axis"};

}  // namespace

Shape softmax_shape(const Node& node, std::span<const Shape> inputs) {
  data_axis(node, node.integer("axis", -1), inputs[0].size());
  return inputs[0];
}

Channels softmax_channels(const Node& node,
                          std::span<const ValueChannels> inputs,
                          ChannelFlow& flow) {
  const auto& [shape, channels] = inputs[0];
  const size_t axis = data_axis(node, node.integer("axis", -1), shape.size());
  if (!channels.varies_along(axis)) return channels;
  std::vector<bool> along(shape.size(), false);
  along[axis] = true;
  const Channels merged = flow.merged(channels, along);
  if (merged.ids.size() > 1) return merged;
  flow.pin(channels.ids, cat(node.op, " over channels in '", node.name, "'"));
  return channels;
}

constinit const OpDef kSoftmax{
    .name = "Softmax",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = softmax_shape,
    .channels = softmax_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
