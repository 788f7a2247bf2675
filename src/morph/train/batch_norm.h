#pragma once

#include <cstdint>

#include "morph/data/batches.h"
#include "morph/nn/graph_module.h"

namespace morph {

/// Estimates the running statistics of every BatchNormalization anew, with the weights as they are:
/// the plain mean over `batches` batches (all of an epoch, if that is fewer) of the batch mean and
/// of the batch variance, as BatchNormalization itself takes them in training. For use after
/// weights have been cut. No gradients; the module stays in the mode it was in.
void reestimate_batch_norm(GraphModule& module, BatchSource& source, int64_t batches);

}  // namespace morph
