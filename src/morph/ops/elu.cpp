#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"alpha"};

Shape elu_shape(const Node& node, std::span<const Shape> inputs) {
  node.number("alpha", 1);
  return inputs[0];
}

}  // namespace

constinit const OpDef kElu{
    .name = "Elu",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = elu_shape,
    .channels = same_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
