#include "morph/ops/broadcast.h"

namespace morph {

constinit const OpDef kDiv = elementwise_op("Div", 2, 2);

}  // namespace morph
