#include "morph/ops/broadcast.h"

namespace morph {

constinit const OpDef kMean = elementwise_op("Mean", 1, kAnyNumber);

}  // namespace morph
