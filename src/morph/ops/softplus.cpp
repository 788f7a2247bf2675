#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kSoftplus = pointwise_op("Softplus");

}  // namespace morph
