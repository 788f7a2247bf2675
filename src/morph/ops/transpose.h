#pragma once

#include <cstdint>
#include <vector>

#include "morph/ir/graph.h"

namespace morph {

/// The permutation of a Transpose: axis i of the output is axis perm[i] of the input; ONNX's
/// default reverses all axes. Throws Error if it is no permutation or moves the batch axis.
std::vector<int64_t> transpose_perm(const Node& node, size_t rank);

}  // namespace morph
