#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "morph/onnx/op_call.h"

namespace morph::onnx {

/// Computes the parts of a file that depend on no input's values: weights made by Reshape or
/// ConstantOfShape, and the arithmetic on shapes that exporters write. Plain loops on host memory;
/// none of these ops becomes a layer by it.
class Folder {
 public:
  /// Results are kept in `storage`; together they may not exceed `most_bytes`.
  Folder(Storage& storage, uint64_t most_bytes) : storage_(storage), rest_(most_bytes) {}

  /// The ops that run() computes, sorted.
  static std::span<const std::string_view> ops();

  /// The outputs of a node all of whose inputs are constants. Throws Error with the node's label if
  /// op or arguments are not sound, or the results would be too large.
  std::vector<Array> run(const OpCall& call);

  /// Takes the bytes of an array of this type and shape. Throws Error if they are too many.
  Array keep(const OpCall& call, DataType type, Shape shape, std::string bytes);

  /// Throws Error if an array of this type and shape would be too large; returns its elements.
  int64_t reserve(const OpCall& call, DataType type, const Shape& shape);

  /// A part of a Split.
  Array sliced(const OpCall& call, const Array& x, const SlicedAxis& range);

  /// One number after the other as a list.
  Array list(const OpCall& call, const std::vector<int64_t>& values);

  /// The same bytes in another shape.
  static Array viewed(const Array& x, Shape shape);

  /// The array with its axes in another order.
  Array transposed(const OpCall& call, const Array& x, const std::vector<int64_t>& perm);

  /// The array spread to a shape that it broadcasts to.
  Array expanded(const OpCall& call, const Array& x, const Shape& shape);

  /// The array times a number.
  Array scaled(const OpCall& call, const Array& x, double factor);

  /// The array with elements of another type.
  Array cast(const OpCall& call, const Array& x, DataType type);

  /// Which rows of the first axes of this shape the indices of a GatherND or ScatterND name.
  static std::vector<size_t> rows_named(const OpCall& call,
                                        const Shape& shape,
                                        const Array& places);

 private:
  struct View {
    Shape shape;
    std::vector<int64_t> strides;  ///< In elements; 0 repeats, negative goes backwards.
    int64_t offset = 0;
  };

  /// The elements, to compute with. Throws Error if they are too many: eight bytes for each are
  /// taken, more than the file may have for it.
  static std::vector<double> numbers(const OpCall& call, const Array& x);

  Array strided(const OpCall& call, const Array& x, const View& view);
  Array slice(const OpCall& call);
  Array concat(const OpCall& call);
  Array gather(const OpCall& call);
  Array gather_nd(const OpCall& call);
  Array tile(const OpCall& call);
  Array range(const OpCall& call);
  Array constant_of_shape(const OpCall& call);
  Array cumulative_sum(const OpCall& call);
  Array binary(const OpCall& call);
  Array unary(const OpCall& call);
  Array where(const OpCall& call);
  Array reduce(const OpCall& call);
  Array matmul(const OpCall& call);
  Array batch_normalization(const OpCall& call);
  Array clip(const OpCall& call);
  Array scatter_nd(const OpCall& call);
  /// Of ops that see the same bytes in another shape; nothing for others.
  std::optional<Array> seen_otherwise(const OpCall& call);
  /// Of ops that move or count elements and compute nothing; nothing for others.
  std::optional<Array> moved(const OpCall& call);

  Storage& storage_;
  uint64_t rest_;
};

/// The constant that a Constant node holds.
Array constant_value(const OpCall& call, Storage& storage);

}  // namespace morph::onnx
