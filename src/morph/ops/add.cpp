#include "morph/ops/broadcast.h"
#include "morph/ops/rules.h"

namespace morph {

/// ONNX Add, also with more than two operands.
constinit const OpDef kAdd{
    .name = "Add",
    .min_inputs = 2,
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
