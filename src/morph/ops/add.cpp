#include "morph/ops/broadcast.h"

namespace morph {

/// ONNX Add, also with more than two operands.
constinit const OpDef kAdd = elementwise_op("Add", 2, kAnyNumber, Needs::kAnyInput);

}  // namespace morph
