#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kTanh = pointwise_op("Tanh");

}  // namespace morph
