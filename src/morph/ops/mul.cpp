#include "morph/ops/broadcast.h"

namespace morph {

constinit const OpDef kMul = elementwise_op("Mul", 2, 2);

}  // namespace morph
