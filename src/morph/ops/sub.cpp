#include "morph/ops/broadcast.h"

namespace morph {

constinit const OpDef kSub = elementwise_op("Sub", 2, 2);

}  // namespace morph
