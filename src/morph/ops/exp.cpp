#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kExp{
    .name = "Exp",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = {},
    .infer_shape = same_shape,
    .channels = same_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
