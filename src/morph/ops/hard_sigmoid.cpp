#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 2> kAttributes = {"alpha", "beta"};

Shape hard_sigmoid_shape(const Node& node, std::span<const Shape> inputs) {
  node.number("alpha", 0.2);
  node.number("beta", 0.5);
  return inputs[0];
}

}  // namespace

constinit const OpDef kHardSigmoid{
    .name = "HardSigmoid",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = hard_sigmoid_shape,
    .channels = same_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
