#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"alpha"};

Shape leaky_relu_shape(const Node& node, std::span<const Shape> inputs) {
  node.number("alpha", 0.01);
  return inputs[0];
}

}  // namespace

constinit const OpDef kLeakyRelu{
    .name = "LeakyRelu",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = leaky_relu_shape,
    .channels = same_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
