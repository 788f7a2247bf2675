#pragma once

#include <cstdint>
#include <optional>

#include "morph/ir/graph.h"

namespace morph::onnx {

/// Where the batch lies in a value of an ONNX file: along `axis`, whose positions are those of
/// (before, batch, after) in row-major order. Attention moves it ([3, N, heads, T, d], [T, N, C])
/// and windows are merged with it ([N · windows, T, C]). Our node always has it first: its shape is
/// [1, the axes before `axis`, before, after, the axes behind], without `before` or `after` where
/// that is 1.
struct BatchPlace {
  size_t axis = 0;
  int64_t before = 1;
  int64_t after = 1;

  bool is_first() const { return axis == 0 && before == 1 && after == 1; }
  /// How many axes our node has more than the file's value.
  size_t extra_axes() const { return (before > 1 ? 1U : 0U) + (after > 1 ? 1U : 0U); }

  bool operator==(const BatchPlace&) const = default;
};

/// The file's shape of our node's value, for a batch of this size.
Shape file_shape(const Shape& stored, const BatchPlace& place, int64_t batch);

/// The axis of our node for an axis of the file's value; not for the batch's own.
size_t stored_axis(size_t axis, const BatchPlace& place);

/// The axes of our node, in the order that their parts have in the file's value when its axes are
/// permuted: stored_axis() of each, the parts of the batch's axis in its place.
std::vector<int64_t> stored_perm(const std::vector<int64_t>& perm, const BatchPlace& place);

/// Our node's shape for a shape of the file, whose entry along the batch is left out of account.
Shape stored_shape(const Shape& shape, const BatchPlace& place);

/// Where in `shape` a batch of this size lies that so many elements of each example come before and
/// after; a place of its own before one that it shares. Nothing if there is none.
std::optional<BatchPlace> find_batch(const Shape& shape,
                                     int64_t batch,
                                     int64_t before,
                                     int64_t after);

}  // namespace morph::onnx
