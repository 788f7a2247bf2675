#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kRelu = pointwise_op("Relu");

}  // namespace morph
