#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"ratio"};

Shape dropout_shape(const Node& node, std::span<const Shape> inputs) {
  const double ratio = node.number("ratio", 0.5);
  if (!(ratio >= 0 && ratio < 1)) {
    throw Error(cat(node.label(), " attribute 'ratio' must lie in [0, 1), got ", ratio));
  }
  return inputs[0];
}

}  // namespace

constinit const OpDef kDropout{
    .name = "Dropout",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = dropout_shape,
    .channels = same_channels,
    .work = view_work,
    .resize = keep_attributes,
};

}  // namespace morph
