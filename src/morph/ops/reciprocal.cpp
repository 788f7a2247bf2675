#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kReciprocal = pointwise_op("Reciprocal");

}  // namespace morph
