#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kExp = pointwise_op("Exp");

}  // namespace morph
