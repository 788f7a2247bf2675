#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kLog = pointwise_op("Log");

}  // namespace morph
