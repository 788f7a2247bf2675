#include "morph/ops/id_tensor.h"

#include <algorithm>
#include <utility>

#include "morph/base/error.h"

namespace morph {
namespace {

/// Consecutive axes of two shapes that hold the same elements: [from_begin, from_end) and
/// [to_begin, to_end) have equal products.
struct Block {
  size_t from_begin, from_end, to_begin, to_end;
};

std::vector<Block> matching_blocks(const Shape& from, const Shape& to) {
  std::vector<Block> blocks;
  size_t i = 0;
  size_t j = 0;
  while (i < from.size() || j < to.size()) {
    Block block{i, i, j, j};
    int64_t old_count = i < from.size() ? from[i++] : 1;
    int64_t new_count = j < to.size() ? to[j++] : 1;
    while (old_count != new_count) {
      if (old_count < new_count) {
        old_count *= from.at(i++);
      } else {
        new_count *= to.at(j++);
      }
    }
    block.from_end = i;
    block.to_end = j;
    blocks.push_back(block);
  }
  return blocks;
}

bool varies_within(const Channels& value, const Block& block) {
  for (size_t axis = block.from_begin; axis < block.from_end; ++axis) {
    if (value.varies_along(axis)) return true;
  }
  return false;
}

std::span<const ChannelId> run(const Channels& channels, size_t begin, size_t count) {
  return std::span(channels.ids).subspan(begin, count);
}

std::vector<size_t> row_major_strides(const Shape& shape) {
  std::vector<size_t> strides(shape.size(), 1);
  for (size_t axis = shape.size(); axis-- > 1;) {
    strides[axis - 1] = strides[axis] * static_cast<size_t>(shape[axis]);
  }
  return strides;
}

}  // namespace

AxisSplit split_at(const Shape& shape, size_t axis) {
  MORPH_CHECK(axis < shape.size());
  AxisSplit split;
  for (size_t i = 0; i < axis; ++i) split.outer *= static_cast<size_t>(shape[i]);
  split.extent = static_cast<size_t>(shape[axis]);
  for (size_t i = axis + 1; i < shape.size(); ++i) split.inner *= static_cast<size_t>(shape[i]);
  return split;
}

Channels taken(const Channels& value, size_t axis, std::span<const int64_t> positions) {
  const AxisSplit split = split_at(value.extents, axis);
  for (const int64_t position : positions) {
    MORPH_CHECK(position >= 0 && position < value.extents[axis]);
  }
  Channels result{.extents = value.extents, .is_open = value.is_open};
  result.extents[axis] = static_cast<int64_t>(positions.size());
  result.ids.reserve(split.outer * positions.size() * split.inner);
  for (size_t outer = 0; outer < split.outer; ++outer) {
    for (const int64_t position : positions) {
      const size_t row = outer * split.extent + static_cast<size_t>(position);
      const auto ids = run(value, row * split.inner, split.inner);
      result.ids.insert(result.ids.end(), ids.begin(), ids.end());
    }
  }
  return result;
}

Channels joined(std::span<const Channels> parts, size_t axis) {
  Channels result{.extents = parts.front().extents, .is_open = parts.front().is_open};
  result.extents[axis] = 0;
  for (const Channels& part : parts) {
    MORPH_CHECK(split_at(part.extents, axis).outer == split_at(result.extents, axis).outer);
    result.extents[axis] += part.extents[axis];
  }
  const size_t outer_count = split_at(result.extents, axis).outer;
  for (size_t outer = 0; outer < outer_count; ++outer) {
    for (const Channels& part : parts) {
      const size_t size = part.ids.size() / outer_count;
      const auto ids = run(part, outer * size, size);
      result.ids.insert(result.ids.end(), ids.begin(), ids.end());
    }
  }
  return result;
}

Channels permuted(const Channels& value, std::span<const int64_t> perm) {
  const std::vector<size_t> old_strides = row_major_strides(value.extents);
  Channels result{.is_open = value.is_open};
  std::vector<size_t> strides;
  for (const int64_t axis : perm) {
    result.extents.push_back(value.extents[static_cast<size_t>(axis)]);
    strides.push_back(old_strides[static_cast<size_t>(axis)]);
  }
  const std::vector<size_t> new_strides = row_major_strides(result.extents);
  for (size_t place = 0; place < value.ids.size(); ++place) {
    size_t source = 0;
    for (size_t axis = 0; axis < strides.size(); ++axis) {
      const auto extent = static_cast<size_t>(result.extents[axis]);
      source += place / new_strides[axis] % extent * strides[axis];
    }
    result.ids.push_back(value.ids[source]);
  }
  return result;
}

Channels reinterpreted(const Channels& value, const Shape& from, const Shape& to) {
  std::vector<bool> grown(from.size(), false);
  Shape extents(to.size(), 1);
  for (const Block& block : matching_blocks(from, to)) {
    if (!varies_within(value, block)) continue;
    for (size_t axis = block.from_begin; axis < block.from_end; ++axis) grown[axis] = true;
    for (size_t axis = block.to_begin; axis < block.to_end; ++axis) extents[axis] = to[axis];
  }
  Channels full = value.expanded(from, grown);
  Channels result{
      .extents = std::move(extents), .ids = std::move(full.ids), .is_open = value.is_open};
  return result.compressed();
}

}  // namespace morph
