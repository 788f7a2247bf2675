#include "morph/ops/reduction.h"

namespace morph {

constinit const OpDef kReduceMin = reduction_op("ReduceMin", reduced_channels);

}  // namespace morph
