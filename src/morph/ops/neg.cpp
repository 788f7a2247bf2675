#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kNeg = pointwise_op("Neg");

}  // namespace morph
