#include "morph/ops/rules.h"

namespace morph {

constinit const OpDef kFloor = pointwise_op("Floor");

}  // namespace morph
