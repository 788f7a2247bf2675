#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kSigmoid = pointwise_op("Sigmoid");

}  // namespace morph
