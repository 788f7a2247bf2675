#include "morph/ops/pooling.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

Shape global_pool_shape(const Node& node, std::span<const Shape> inputs) {
  check_rank(node, inputs[0], 3, 5);
  Shape shape(inputs[0].size(), 1);
  shape[1] = inputs[0][1];
  return shape;
}

}  // namespace

constinit const OpDef kGlobalAveragePool{
    .name = "GlobalAveragePool",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = {},
    .infer_shape = global_pool_shape,
    .channels = pooled_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
