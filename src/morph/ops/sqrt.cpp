#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kSqrt = pointwise_op("Sqrt");

}  // namespace morph
