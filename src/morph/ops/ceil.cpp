#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kCeil = pointwise_op("Ceil");

}  // namespace morph
