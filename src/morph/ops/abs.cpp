#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kAbs = pointwise_op("Abs");

}  // namespace morph
