#include "morph/ops/broadcast.h"

namespace morph {

constinit const OpDef kMin = elementwise_op("Min", 1, kAnyNumber);

}  // namespace morph
