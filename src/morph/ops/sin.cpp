#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kSin = pointwise_op("Sin");

}  // namespace morph
