#include "morph/ops/reduction.h"

namespace morph {

constinit const OpDef kReduceSum = reduction_op("ReduceSum", summed_channels);

}  // namespace morph
