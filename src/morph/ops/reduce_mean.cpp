#include "morph/ops/reduction.h"
#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kReduceMean{
    .name = "ReduceMean",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kReductionAttributes,
    .infer_shape = reduced_shape,
    .channels = reduced_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
