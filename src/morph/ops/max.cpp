#include "morph/ops/broadcast.h"

namespace morph {

constinit const OpDef kMax = elementwise_op("Max", 1, kAnyNumber);

}  // namespace morph
