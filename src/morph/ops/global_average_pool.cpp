#include "morph/ops/pooling.h"
#include "morph/ops/rules.h"

namespace morph {

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
