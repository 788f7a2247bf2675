#include "morph/base/error.h"
#include "morph/ops/rules.h"
#include "morph/ops/softmax.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 2> kAttributes = {"axis", "p"};

Shape lp_normalization_shape(const Node& node, std::span<const Shape> inputs) {
  const int64_t p = node.integer("p", 2);
  if (p != 1 && p != 2) {
    throw Error(cat(node.label(), " attribute 'p' must be 1 or 2, got ", p));
  }
  return softmax_shape(node, inputs);
}

}  // namespace

constinit const OpDef kLpNormalization{
    .name = "LpNormalization",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = lp_normalization_shape,
    .channels = softmax_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
