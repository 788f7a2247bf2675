#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"approximate"};

Shape gelu_shape(const Node& node, std::span<const Shape> inputs) {
  const std::string approximate = node.text("approximate", "none");
  if (approximate != "none" && approximate != "tanh") {
    throw Error(cat(
        node.label(), " attribute 'approximate' must be none or tanh, got '", approximate, "'"));
  }
  return inputs[0];
}

}  // namespace

constinit const OpDef kGelu{
    .name = "Gelu",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = gelu_shape,
    .channels = same_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
