#pragma once

#include <cstdint>
#include <vector>

#include "morph/ir/graph.h"

namespace morph {

/// What Slice takes along one axis: positions start, start + step, … , `count` of them.
struct SliceRange {
  size_t axis = 0;
  int64_t start = 0;
  int64_t step = 1;
  int64_t count = 0;
};

/// The ranges of a Slice that reads a value of shape `input`, in the order of its attributes, with
/// negative and overlong bounds resolved as ONNX does. Throws Error if the attributes do not fit.
std::vector<SliceRange> slice_ranges(const Node& node, const Shape& input);

}  // namespace morph
