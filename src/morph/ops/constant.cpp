#include "morph/ops/constant.h"

#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array kSlots = {Slot{.name = "value", .required = true, .trainable = false}};

}  // namespace

Shape constant_shape(const Node& node, std::span<const Shape>) {
  node.number("initial", 0);
  const Shape& shape = node.params.at("value").shape;
  if (shape.empty() || shape[0] != 1) {
    throw Error(cat(node.label(),
                    " param 'value' must have a shape that begins with 1, as it is the same for "
                    "every example of a batch, got ",
                    format_shape(shape)));
  }
  return shape;
}

Channels constant_channels(const Node& node, std::span<const ValueChannels>, ChannelFlow& flow) {
  flow.bind_value("value");
  return {.extents = node.shape, .ids = flow.fresh(element_count(node.shape)), .is_open = true};
}

/// A fixed tensor that other nodes read: a divisor, the mean of the training images.
constinit const OpDef kConstant{
    .name = "Constant",
    .min_inputs = 0,
    .max_inputs = 0,
    .slots = kSlots,
    .attributes = kConstantAttributes,
    .infer_shape = constant_shape,
    .channels = constant_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
