#include "morph/ops/reduction.h"
#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kReduceSum{
    .name = "ReduceSum",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kReductionAttributes,
    .infer_shape = reduced_shape,
    .channels = summed_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
