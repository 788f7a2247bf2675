#include "morph/ops/broadcast.h"
#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kSum{
    .name = "Sum",
    .min_inputs = 1,
    .max_inputs = kAnyNumber,
    .slots = {},
    .attributes = {},
    .infer_shape = broadcast_shape,
    .channels = elementwise_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
    .needs = Needs::kAnyInput,
};

}  // namespace morph
