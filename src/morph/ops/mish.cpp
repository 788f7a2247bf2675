#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kMish = pointwise_op("Mish");

}  // namespace morph
