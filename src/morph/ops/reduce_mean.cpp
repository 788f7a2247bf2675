#include "morph/ops/reduction.h"

namespace morph {

constinit const OpDef kReduceMean = reduction_op("ReduceMean", reduced_channels);

}  // namespace morph
