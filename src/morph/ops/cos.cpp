#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kCos = pointwise_op("Cos");

}  // namespace morph
