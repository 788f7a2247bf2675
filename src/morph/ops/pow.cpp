#include "morph/ops/broadcast.h"

namespace morph {

constinit const OpDef kPow = elementwise_op("Pow", 2, 2);

}  // namespace morph
