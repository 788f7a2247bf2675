#include "morph/ops/broadcast.h"
#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kDiv{
    .name = "Div",
    .min_inputs = 2,
    .max_inputs = 2,
    .slots = {},
    .attributes = {},
    .infer_shape = broadcast_shape,
    .channels = elementwise_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
