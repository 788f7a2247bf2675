#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kHardSwish = pointwise_op("HardSwish");

}  // namespace morph
