#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 2> kAttributes = {"alpha", "gamma"};

Shape selu_shape(const Node& node, std::span<const Shape> inputs) {
  node.number("alpha", 0);
  node.number("gamma", 0);
  return inputs[0];
}

}  // namespace

constinit const OpDef kSelu{
    .name = "Selu",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = selu_shape,
    .channels = same_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
