#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kErf = pointwise_op("Erf");

}  // namespace morph
