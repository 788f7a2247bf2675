#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

/// `type`, left out for float32, is the element type of an input that only Opaque nodes read.
constexpr std::array<std::string_view, 2> kAttributes = {"shape", "type"};

Shape input_shape(const Node& node, std::span<const Shape>) {
  Shape shape = node.ints("shape", {});
  if (shape.empty()) {
    throw Error(cat(node.label(), " needs the attribute 'shape', e.g. [1, 3, 32, 32]"));
  }
  if (shape[0] != 1) {
    throw Error(cat(node.label(),
                    " attribute 'shape' must begin with 1, the batch of one example, got ",
                    format_shape(shape)));
  }
  return shape;
}

Channels input_channels(const Node& node, std::span<const ValueChannels>, ChannelFlow& flow) {
  const size_t rank = node.shape.size();
  const std::vector<ChannelId> ids = flow.fresh(rank < 2 ? 1 : node.shape[1]);
  flow.pin(ids, "network input");
  return rank < 2 ? Channels::uniform(rank, ids[0]) : Channels::along(rank, 1, ids);
}

}  // namespace

constinit const OpDef kInput{
    .name = "Input",
    .min_inputs = 0,
    .max_inputs = 0,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = input_shape,
    .channels = input_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
