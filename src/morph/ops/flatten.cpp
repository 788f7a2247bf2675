#include "morph/base/error.h"
#include "morph/ops/id_tensor.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"axis"};

Shape flatten_shape(const Node& node, std::span<const Shape> inputs) {
  const Shape& x = inputs[0];
  const auto rank = static_cast<int64_t>(x.size());
  const int64_t axis = node.integer("axis", 1);
  if (axis < -rank || axis > rank) {
    throw Error(cat(node.label(), " axis ", axis, " is outside an input of rank ", rank));
  }
  const auto middle = x.begin() + (axis < 0 ? axis + rank : axis);
  Shape shape = {element_count({x.begin(), middle}), element_count({middle, x.end()})};
  if (middle == x.begin() || shape[0] != x[0]) {
    throw Error(cat(node.label(), " axis ", axis, " would mix the examples of a batch; use 1"));
  }
  return shape;
}

Channels flatten_channels(const Node& node, std::span<const ValueChannels> inputs, ChannelFlow&) {
  return reinterpreted(inputs[0].channels, inputs[0].shape, node.shape);
}

}  // namespace

constinit const OpDef kFlatten{
    .name = "Flatten",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = flatten_shape,
    .channels = flatten_channels,
    .work = view_work,
    .resize = keep_attributes,
};

}  // namespace morph
