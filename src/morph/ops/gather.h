#pragma once

#include <cstdint>
#include <vector>

#include "morph/ir/graph.h"

namespace morph {

/// What a Gather takes: positions of one axis of its input, in order.
struct GatheredPositions {
  size_t axis = 0;
  std::vector<int64_t> positions = {};  ///< In row-major order of 'indices_shape'.
};

/// The positions that a Gather takes of a value of shape `input`, negative ones resolved. Throws
/// Error if an attribute does not fit.
GatheredPositions gathered_positions(const Node& node, const Shape& input);

}  // namespace morph
