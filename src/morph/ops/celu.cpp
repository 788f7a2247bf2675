#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"alpha"};

Shape celu_shape(const Node& node, std::span<const Shape> inputs) {
  if (node.number("alpha", 1) == 0) throw Error(cat(node.label(), " alpha must not be 0"));
  return inputs[0];
}

}  // namespace

constinit const OpDef kCelu{
    .name = "Celu",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = celu_shape,
    .channels = same_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
