#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morph/ops/channels.h"

namespace morph {

/// A row-major tensor seen from one of its axes: [outer, extent, inner].
struct AxisSplit {
  size_t outer = 1;
  size_t extent = 1;
  size_t inner = 1;
};

/// The split of a shape at one of its axes.
AxisSplit split_at(const Shape& shape, size_t axis);

/// The ids at these positions of an axis, in this order; a position may come up more than once.
Channels taken(const Channels& value, size_t axis, std::span<const int64_t> positions);

/// The parts one after the other along an axis; their other extents are equal.
Channels joined(std::span<const Channels> parts, size_t axis);

/// Axis i of the result is axis perm[i] of the value.
Channels permuted(const Channels& value, std::span<const int64_t> perm);

/// The ids of a value of shape `from` read as one of shape `to`, in row-major order as ONNX's
/// Reshape does. Both have the same number of elements. Only axes that the ids vary along, and
/// those that are merged with or split from them, are written out.
Channels reinterpreted(const Channels& value, const Shape& from, const Shape& to);

}  // namespace morph
