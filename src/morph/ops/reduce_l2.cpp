#include "morph/ops/reduction.h"

namespace morph {

constinit const OpDef kReduceL2 = reduction_op("ReduceL2", summed_channels);

}  // namespace morph
