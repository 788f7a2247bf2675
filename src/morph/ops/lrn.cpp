#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 4> kAttributes = {"alpha", "beta", "bias", "size"};

Shape lrn_shape(const Node& node, std::span<const Shape> inputs) {
  check_rank(node, inputs[0], 3, kAnyNumber);
  if (node.attrs.count("size") == 0) throw Error(cat(node.label(), " needs the attribute 'size'"));
  const int64_t size = node.integer("size", 1);
  if (size < 1) throw Error(cat(node.label(), " attribute 'size' must be at least 1, got ", size));
  node.number("alpha", 1e-4);
  node.number("beta", 0.75);
  node.number("bias", 1);
  return inputs[0];
}

/// Each channel is divided by a norm over its neighbours, which would be others.
Channels lrn_channels(const Node& node, std::span<const ValueChannels> inputs, ChannelFlow& flow) {
  const Channels& channels = inputs[0].channels;
  if (channels.varies_along(1)) {
    flow.pin(channels.ids, cat("LRN over neighbouring channels in '", node.name, "'"));
  }
  return channels;
}

}  // namespace

constinit const OpDef kLRN{
    .name = "LRN",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = lrn_shape,
    .channels = lrn_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
