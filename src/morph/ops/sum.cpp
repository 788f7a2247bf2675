#include "morph/ops/broadcast.h"

namespace morph {

constinit const OpDef kSum = elementwise_op("Sum", 1, kAnyNumber, Needs::kAnyInput);

}  // namespace morph
