#include "morph/ops/reduction.h"

namespace morph {

constinit const OpDef kReduceMax = reduction_op("ReduceMax", reduced_channels);

}  // namespace morph
