#include "morph/onnx/fold.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <numeric>

#include "morph/base/error.h"

namespace morph::onnx {
namespace {

/// Steps in elements from one position of each axis to the next.
std::vector<int64_t> row_major_strides(const Shape& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

/// Sorted. What each does when its inputs are constants is in run().
constexpr std::array<std::string_view, 65> kOps = {
    "Abs",
    "Add",
    "And",
    "BatchNormalization",
    "Cast",
    "CastLike",
    "Ceil",
    "Clip",
    "Concat",
    "ConstantOfShape",
    "Cos",
    "CumSum",
    "Div",
    "Equal",
    "Erf",
    "Exp",
    "Expand",
    "Flatten",
    "Floor",
    "Gather",
    "GatherND",
    "Greater",
    "GreaterOrEqual",
    "Identity",
    "Less",
    "LessOrEqual",
    "Log",
    "MatMul",
    "Max",
    "Min",
    "Mod",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "Pow",
    "Range",
    "Reciprocal",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
    "ReduceSumSquare",
    "Relu",
    "Reshape",
    "Round",
    "ScatterND",
    "Shape",
    "Sigmoid",
    "Sign",
    "Sin",
    "Size",
    "Slice",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Sum",
    "Tanh",
    "Tile",
    "Transpose",
    "Unsqueeze",
    "Where",
    "Xor",
};

struct FoldRow {
  std::string_view op;
  Array (Folder::*run)(const OpCall& call);
};

}  // namespace

Array constant_value(const OpCall& call, Storage& storage) {
  const NodeProto& node = call.node();
  if (const AttributeProto* value = node.find("value")) {
    if (value->tensors.size() != 1) call.fail("attribute 'value' is no tensor");
    check_array(value->tensors[0].array, call.label());
    return value->tensors[0].array;
  }
  const auto list = [&](DataType type, Shape shape, std::string bytes) {
    return Array{.type = type, .shape = std::move(shape), .bytes = storage.keep(std::move(bytes))};
  };
  if (call.has_attribute("value_int")) {
    const std::array value = {call.integer("value_int", 0)};
    return list(DataType::kInt64, {}, to_bytes(std::span<const int64_t>(value), DataType::kInt64));
  }
  if (call.has_attribute("value_float")) {
    const std::array value = {call.number("value_float", 0.0)};
    return list(DataType::kFloat, {}, to_bytes(std::span<const double>(value), DataType::kFloat));
  }
  if (const auto ints = call.ints("value_ints")) {
    return list(DataType::kInt64,
                {static_cast<int64_t>(ints->size())},
                to_bytes(std::span<const int64_t>(*ints), DataType::kInt64));
  }
  if (const auto floats = call.numbers("value_floats")) {
    return list(DataType::kFloat,
                {static_cast<int64_t>(floats->size())},
                to_bytes(std::span<const double>(*floats), DataType::kFloat));
  }
  call.fail("holds no tensor of numbers");
}

int64_t Folder::reserve(const OpCall& call, DataType type, const Shape& shape) {
  const int64_t count = count_elements(shape);
  if (element_bytes(type) == 0) {
    call.fail(cat("makes elements of ", type_name(type), ", which cannot be computed with"));
  }
  if (static_cast<uint64_t>(count) > rest_ / element_bytes(type)) {
    call.fail(cat("makes a constant of shape ",
                  format_shape(shape),
                  "; the constants that this file computes would be too large"));
  }
  return count;
}

Array Folder::keep(const OpCall& call, DataType type, Shape shape, std::string bytes) {
  reserve(call, type, shape);
  rest_ -= bytes.size();
  return {.type = type, .shape = std::move(shape), .bytes = storage_.keep(std::move(bytes))};
}

std::vector<double> Folder::numbers(const OpCall& call, const Array& x) {
  constexpr int64_t kMost = int64_t{1} << 26;
  if (count_elements(x.shape) > kMost) {
    call.fail(cat("would compute with a constant of shape ", format_shape(x.shape)));
  }
  return to_doubles(x);
}

Array Folder::viewed(const Array& x, Shape shape) {
  return {.type = x.type, .shape = std::move(shape), .bytes = x.bytes};
}

Array Folder::list(const OpCall& call, const std::vector<int64_t>& values) {
  return keep(call,
              DataType::kInt64,
              {static_cast<int64_t>(values.size())},
              to_bytes(std::span<const int64_t>(values), DataType::kInt64));
}

Array Folder::strided(const OpCall& call, const Array& x, const View& view) {
  const auto count = static_cast<size_t>(reserve(call, x.type, view.shape));
  const size_t size = element_bytes(x.type);
  std::string bytes(count * size, '\0');
  std::vector<int64_t> at(view.shape.size(), 0);
  int64_t source = view.offset;
  for (size_t i = 0; i < count; ++i) {
    std::memcpy(bytes.data() + i * size, x.bytes.data() + static_cast<size_t>(source) * size, size);
    for (size_t axis = at.size(); axis-- > 0;) {
      source += view.strides[axis];
      if (++at[axis] < view.shape[axis]) break;
      source -= view.strides[axis] * view.shape[axis];
      at[axis] = 0;
    }
  }
  return keep(call, x.type, view.shape, std::move(bytes));
}

Array Folder::transposed(const OpCall& call, const Array& x, const std::vector<int64_t>& perm) {
  std::vector<int64_t> sorted = perm;
  std::ranges::sort(sorted);
  std::vector<int64_t> axes(x.shape.size());
  std::iota(axes.begin(), axes.end(), 0);
  if (sorted != axes) call.fail("'perm' must name each axis once");
  const std::vector<int64_t> strides = row_major_strides(x.shape);
  View view;
  for (const int64_t axis : perm) {
    view.shape.push_back(x.shape[static_cast<size_t>(axis)]);
    view.strides.push_back(strides[static_cast<size_t>(axis)]);
  }
  return strided(call, x, view);
}

Array Folder::expanded(const OpCall& call, const Array& x, const Shape& shape) {
  View view{.shape = shape, .strides = std::vector<int64_t>(shape.size(), 0)};
  const std::vector<int64_t> strides = row_major_strides(x.shape);
  if (broadcast(call, x.shape, shape) != shape) call.fail("cannot be spread to that shape");
  for (size_t i = 0; i < x.shape.size(); ++i) {
    const size_t axis = shape.size() - x.shape.size() + i;
    if (x.shape[i] != 1) view.strides[axis] = strides[i];
  }
  return shape == x.shape ? x : strided(call, x, view);
}

Array Folder::sliced(const OpCall& call, const Array& x, const SlicedAxis& range) {
  View view{.shape = x.shape, .strides = row_major_strides(x.shape)};
  view.shape[range.axis] = range.count;
  view.offset = range.start * view.strides[range.axis];
  view.strides[range.axis] *= range.step;
  return strided(call, x, view);
}

/// In pieces, as large weights come as half precision.
Array Folder::cast(const OpCall& call, const Array& x, DataType type) {
  if (type == x.type) return x;
  constexpr size_t kPiece = size_t{1} << 20;
  const auto count = static_cast<size_t>(reserve(call, type, x.shape));
  const size_t size = element_bytes(x.type);
  std::string bytes;
  bytes.reserve(count * element_bytes(type));
  for (size_t begin = 0; begin < count; begin += kPiece) {
    const Array piece{.type = x.type, .bytes = x.bytes.substr(begin * size, kPiece * size)};
    bytes += is_floating(x.type) ? to_bytes(std::span<const double>(to_doubles(piece)), type)
                                 : to_bytes(std::span<const int64_t>(to_ints(piece)), type);
  }
  return keep(call, type, x.shape, std::move(bytes));
}

Array Folder::slice(const OpCall& call) {
  const Array& x = call.constant(0);
  View view{.shape = x.shape, .strides = row_major_strides(x.shape)};
  for (const SlicedAxis& range : sliced_axes(call, x.shape)) {
    view.shape[range.axis] = range.count;
    view.offset += range.start * view.strides[range.axis];
    view.strides[range.axis] *= range.step;
  }
  return strided(call, x, view);
}

Array Folder::concat(const OpCall& call) {
  const Array& first = call.constant(0);
  const size_t axis = front_axis(call, call.integer("axis", 1), first.shape.size());
  Shape shape = first.shape;
  shape[axis] = 0;
  std::vector<size_t> chunks;  // Bytes of one step of the outer axes, by part.
  for (size_t i = 0; i < call.input_count(); ++i) {
    const Array& part = call.constant(i);
    Shape like_first = part.shape;
    if (axis < like_first.size()) like_first[axis] = first.shape[axis];
    if (like_first != first.shape || part.type != first.type) call.fail("its parts do not fit");
    shape[axis] += part.shape[axis];
    Shape chunk(part.shape.begin() + static_cast<int64_t>(axis), part.shape.end());
    chunks.push_back(static_cast<size_t>(count_elements(chunk)) * element_bytes(part.type));
  }
  reserve(call, first.type, shape);
  const int64_t outer = count_elements({shape.begin(), shape.begin() + static_cast<int64_t>(axis)});
  std::string bytes;
  for (size_t step = 0; step < static_cast<size_t>(outer); ++step) {
    for (size_t i = 0; i < chunks.size(); ++i) {
      bytes += call.constant(i).bytes.substr(step * chunks[i], chunks[i]);
    }
  }
  return keep(call, first.type, shape, std::move(bytes));
}

Array Folder::gather(const OpCall& call) {
  const Array& x = call.constant(0);
  const size_t axis = front_axis(call, call.integer("axis", 0), x.shape.size());
  const Array& places = call.constant(1);
  if (is_floating(places.type)) call.fail("its indices are no integers");
  const auto middle = x.shape.begin() + static_cast<int64_t>(axis);
  Shape shape(x.shape.begin(), middle);
  const int64_t outer = count_elements(shape);
  shape.insert(shape.end(), places.shape.begin(), places.shape.end());
  shape.insert(shape.end(), middle + 1, x.shape.end());
  const size_t chunk =
      static_cast<size_t>(count_elements({middle + 1, x.shape.end()})) * element_bytes(x.type);
  const int64_t extent = *middle;
  reserve(call, x.type, shape);
  std::string bytes;
  const std::vector<int64_t> positions = to_ints(places);
  for (int64_t step = 0; step < outer; ++step) {
    for (const int64_t position : positions) {
      const int64_t from_front = position < 0 ? position + extent : position;
      if (from_front < 0 || from_front >= extent) call.fail(cat("no position ", position));
      bytes += x.bytes.substr(static_cast<size_t>(step * extent + from_front) * chunk, chunk);
    }
  }
  return keep(call, x.type, shape, std::move(bytes));
}

std::vector<size_t> Folder::rows_named(const OpCall& call,
                                       const Shape& shape,
                                       const Array& places) {
  if (places.shape.empty() || is_floating(places.type)) call.fail("has wrong indices");
  const int64_t depth = places.shape.back();
  if (depth < 1 || depth > static_cast<int64_t>(shape.size())) call.fail("has wrong indices");
  const std::vector<int64_t> positions = to_ints(places);
  std::vector<size_t> rows;
  for (auto position = positions.begin(); position != positions.end(); position += depth) {
    int64_t row = 0;
    for (int64_t i = 0; i < depth; ++i) {
      const int64_t extent = shape[static_cast<size_t>(i)];
      const int64_t from_front = position[i] < 0 ? position[i] + extent : position[i];
      if (from_front < 0 || from_front >= extent) {
        call.fail("names a position outside its input");
      }
      row = row * extent + from_front;
    }
    rows.push_back(static_cast<size_t>(row));
  }
  return rows;
}

Array Folder::gather_nd(const OpCall& call) {
  const Array& x = call.constant(0);
  const Array& places = call.constant(1);
  if (call.integer("batch_dims", 0) != 0) call.fail("is not folded so");
  const std::vector<size_t> rows = rows_named(call, x.shape, places);
  const Shape row(x.shape.begin() + places.shape.back(), x.shape.end());
  Shape shape(places.shape.begin(), places.shape.end() - 1);
  shape.insert(shape.end(), row.begin(), row.end());
  const size_t chunk = static_cast<size_t>(count_elements(row)) * element_bytes(x.type);
  reserve(call, x.type, shape);
  std::string bytes;
  for (const size_t i : rows) bytes += x.bytes.substr(i * chunk, chunk);
  return keep(call, x.type, shape, std::move(bytes));
}

Array Folder::scatter_nd(const OpCall& call) {
  const Array& x = call.constant(0);
  const Array& places = call.constant(1);
  const Array& updates = call.constant(2);
  if (call.text("reduction", "none") != "none") call.fail("is not folded so");
  const std::vector<size_t> rows = rows_named(call, x.shape, places);
  const Shape row(x.shape.begin() + places.shape.back(), x.shape.end());
  const size_t chunk = static_cast<size_t>(count_elements(row)) * element_bytes(x.type);
  if (updates.type != x.type || updates.bytes.size() != rows.size() * chunk) {
    call.fail("has updates that do not fit its indices");
  }
  reserve(call, x.type, x.shape);
  std::string bytes(x.bytes);
  for (size_t i = 0; i < rows.size(); ++i) {
    bytes.replace(rows[i] * chunk, chunk, updates.bytes.substr(i * chunk, chunk));
  }
  return keep(call, x.type, x.shape, std::move(bytes));
}

/// Each axis as (repeats, extent): spread over the first of the two.
Array Folder::tile(const OpCall& call) {
  const Array& x = call.constant(0);
  const auto repeats = call.ints_at("repeats", 1);
  if (!repeats || repeats->size() != x.shape.size()) call.fail("needs a repeat for each axis");
  Shape shape;
  View view;
  const std::vector<int64_t> strides = row_major_strides(x.shape);
  for (size_t i = 0; i < x.shape.size(); ++i) {
    view.shape.insert(view.shape.end(), {(*repeats)[i], x.shape[i]});
    view.strides.insert(view.strides.end(), {0, strides[i]});
    int64_t extent = 0;
    if (__builtin_mul_overflow((*repeats)[i], x.shape[i], &extent)) call.fail("is too large");
    shape.push_back(extent);
  }
  return viewed(strided(call, x, view), shape);
}

Array Folder::constant_of_shape(const OpCall& call) {
  const Shape shape = to_ints(call.constant(0));
  Array value{.type = DataType::kFloat, .bytes = std::string_view("\0\0\0\0", 4)};
  if (const AttributeProto* attribute = call.node().find("value")) {
    if (attribute->tensors.size() != 1 || count_elements(attribute->tensors[0].array.shape) != 1) {
      call.fail("attribute 'value' is no tensor of one number");
    }
    value = viewed(attribute->tensors[0].array, {});
  }
  return strided(call, value, {.shape = shape, .strides = Shape(shape.size(), 0)});
}

std::optional<Array> Folder::seen_otherwise(const OpCall& call) {
  const std::string& op = call.op();
  const Array& x = call.constant(0);
  if (op == "Identity") return x;
  if (op == "Squeeze") return viewed(x, squeezed(call, x.shape));
  if (op == "Unsqueeze") return viewed(x, unsqueezed(call, x.shape));
  if (op == "Reshape") {
    const auto target = call.ints_at("shape", 1);
    if (!target) call.fail("lacks its shape");
    return viewed(x, reshaped(call, x.shape, *target));
  }
  if (op != "Flatten") return std::nullopt;
  const auto rank = static_cast<int64_t>(x.shape.size());
  const int64_t axis = call.integer("axis", 1);
  if (axis < -rank || axis > rank) call.fail("flattens at an axis that is not there");
  const auto middle = x.shape.begin() + (axis < 0 ? axis + rank : axis);
  return viewed(
      x, {count_elements({x.shape.begin(), middle}), count_elements({middle, x.shape.end()})});
}

std::optional<Array> Folder::moved(const OpCall& call) {
  const std::string& op = call.op();
  const Array& x = call.constant(0);
  if (op == "Cast") return cast(call, x, static_cast<DataType>(call.integer("to", 0)));
  if (op == "CastLike") return cast(call, x, call.input(1).type);
  if (op == "Slice") return slice(call);
  if (op == "Concat") return concat(call);
  if (op == "Gather") return gather(call);
  if (op == "ConstantOfShape") return constant_of_shape(call);
  if (op == "Expand") return expanded(call, x, broadcast(call, x.shape, to_ints(call.constant(1))));
  if (op == "Shape") return list(call, shape_part(call, x.shape));
  if (op == "Size") return viewed(list(call, {count_elements(x.shape)}), {});
  if (op != "Transpose") return std::nullopt;
  std::vector<int64_t> reversed(x.shape.size());
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  return transposed(call, x, call.ints("perm").value_or(reversed));
}

std::span<const std::string_view> Folder::ops() { return kOps; }

std::vector<Array> Folder::run(const OpCall& call) {
  const std::string& op = call.op();
  if (op == "Split") {
    const Array& x = call.constant(0);
    SlicedAxis range{.axis = front_axis(call, call.integer("axis", 0), x.shape.size())};
    std::vector<Array> parts;
    for (const int64_t size : split_sizes(call, x.shape[range.axis])) {
      range.count = size;
      parts.push_back(sliced(call, x, range));
      range.start += size;
    }
    return parts;
  }
  if (auto result = seen_otherwise(call)) return {*result};
  if (auto result = moved(call)) return {*result};
  if (op.rfind("Reduce", 0) == 0) return {reduce(call)};
  static constexpr std::array kRows = {
      FoldRow{"BatchNormalization", &Folder::batch_normalization},
      FoldRow{"Clip", &Folder::clip},
      FoldRow{"GatherND", &Folder::gather_nd},
      FoldRow{"ScatterND", &Folder::scatter_nd},
      FoldRow{"Tile", &Folder::tile},
      FoldRow{"Range", &Folder::range},
      FoldRow{"CumSum", &Folder::cumulative_sum},
      FoldRow{"Where", &Folder::where},
      FoldRow{"MatMul", &Folder::matmul},
  };
  for (const FoldRow& row : kRows) {
    if (row.op == op) return {(this->*row.run)(call)};
  }
  return {call.input_count() == 1 && op != "Sum" && op != "Max" && op != "Min" ? unary(call)
                                                                               : binary(call)};
}

}  // namespace morph::onnx
