#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kSoftsign = pointwise_op("Softsign");

}  // namespace morph
