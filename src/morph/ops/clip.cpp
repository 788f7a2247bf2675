#include <limits>

#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 2> kAttributes = {"max", "min"};

Shape clip_shape(const Node& node, std::span<const Shape> inputs) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double min = node.number("min", -kInfinity);
  const double max = node.number("max", kInfinity);
  if (!(min <= max)) {
    throw Error(cat(node.label(), " min = ", min, " must not exceed max = ", max));
  }
  return inputs[0];
}

}  // namespace

constinit const OpDef kClip{
    .name = "Clip",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = clip_shape,
    .channels = same_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
