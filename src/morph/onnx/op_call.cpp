#include "morph/onnx/op_call.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>

#include "morph/base/error.h"

namespace morph::onnx {
namespace {

using Type = AttributeProto::Type;

/// Lists of arguments are as long as a value has axes; parts and sizes may be more.
constexpr size_t kLongestList = size_t{1} << 20;

}  // namespace

std::string OpCall::label() const {
  const std::string& name = !node_.name.empty()      ? node_.name
                            : !node_.outputs.empty() ? node_.outputs.front()
                                                     : node_.name;
  return cat("[", name, ": ", node_.domain.empty() ? "" : node_.domain + ".", node_.op_type, "]");
}

void OpCall::fail(const std::string& what) const { throw Error(cat(label(), " ", what)); }

const Value& OpCall::input(size_t i) const {
  if (!has_input(i)) fail(cat("lacks its input ", i + 1));
  return *inputs_[i];
}

const Array& OpCall::constant(size_t i) const {
  const Value& value = input(i);
  if (!value.constant) {
    fail(cat("input '",
             node_.inputs[i],
             "' must be a constant, but it is computed from the network's inputs"));
  }
  return *value.constant;
}

const AttributeProto* OpCall::typed(std::string_view name, Type type) const {
  const AttributeProto* attribute = node_.find(name);
  if (attribute == nullptr) return nullptr;
  if (attribute->type != type) fail(cat("attribute '", name, "' has another type than ONNX says"));
  return attribute;
}

int64_t OpCall::integer(std::string_view name, int64_t fallback) const {
  const AttributeProto* attribute = typed(name, Type::kInt);
  return attribute == nullptr ? fallback : attribute->ints.at(0);
}

double OpCall::number(std::string_view name, double fallback) const {
  const AttributeProto* attribute = typed(name, Type::kFloat);
  return attribute == nullptr ? fallback : with_same_digits(attribute->floats.at(0));
}

std::string OpCall::text(std::string_view name, const std::string& fallback) const {
  const AttributeProto* attribute = typed(name, Type::kString);
  return attribute == nullptr ? fallback : attribute->strings.at(0);
}

std::optional<std::vector<int64_t>> OpCall::ints(std::string_view name) const {
  const AttributeProto* attribute = typed(name, Type::kInts);
  if (attribute == nullptr) return std::nullopt;
  return attribute->ints;
}

std::optional<std::vector<double>> OpCall::numbers(std::string_view name) const {
  const AttributeProto* attribute = typed(name, Type::kFloats);
  if (attribute == nullptr) return std::nullopt;
  return std::vector<double>(attribute->floats.begin(), attribute->floats.end());
}

std::optional<std::vector<int64_t>> OpCall::ints_at(std::string_view name, size_t i) const {
  if (has_attribute(name)) return ints(name);
  if (!has_input(i)) return std::nullopt;
  const Array& array = constant(i);
  if (is_floating(array.type) || array.bytes.size() > kLongestList * sizeof(int64_t)) {
    fail(cat("input '", node_.inputs[i], "' is no list of integers"));
  }
  return to_ints(array);
}

std::optional<double> OpCall::number_at(std::string_view name, size_t i) const {
  if (has_attribute(name)) return number(name, 0.0);
  if (!has_input(i)) return std::nullopt;
  if (count_elements(constant(i).shape) != 1) {
    fail(cat("input '", node_.inputs[i], "' must be one number"));
  }
  const double value = to_doubles(constant(i)).at(0);
  return is_floating(constant(i).type) ? with_same_digits(static_cast<float>(value)) : value;
}

double with_same_digits(float value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  double result = static_cast<double>(value);
  std::from_chars(digits.data(), end, result);
  return result;
}

size_t front_axis(const OpCall& call, int64_t axis, size_t rank) {
  const auto signed_rank = static_cast<int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) {
    call.fail(cat("axis ", axis, " is outside a value of rank ", rank));
  }
  return static_cast<size_t>(axis < 0 ? axis + signed_rank : axis);
}

namespace {

SlicedAxis resolved(int64_t size, int64_t start, int64_t end, int64_t step) {
  const auto from_front = [&](int64_t position) {
    return position < 0 ? (position < -size ? -1 : position + size) : position;
  };
  const int64_t lowest = step > 0 ? 0 : -1;
  const int64_t highest = step > 0 ? size : size - 1;
  const int64_t first = std::clamp(from_front(start), int64_t{0}, std::max<int64_t>(highest, 0));
  const int64_t stop = std::clamp(from_front(end), lowest, highest);
  const int64_t distance = step > 0 ? stop - first : first - stop;
  const int64_t stride = step > 0 ? step : -step;
  return {.start = first, .step = step, .count = distance <= 0 ? 0 : (distance - 1) / stride + 1};
}

}  // namespace

std::vector<SlicedAxis> sliced_axes(const OpCall& call, const Shape& shape) {
  const auto starts = call.ints_at("starts", 1);
  const auto ends = call.ints_at("ends", 2);
  if (!starts || !ends) call.fail("lacks 'starts' or 'ends'");
  std::vector<int64_t> in_order(starts->size());
  std::iota(in_order.begin(), in_order.end(), 0);
  const std::vector<int64_t> axes = call.ints_at("axes", 3).value_or(in_order);
  const std::vector<int64_t> steps =
      call.ints_at("steps", 4).value_or(std::vector<int64_t>(starts->size(), 1));
  if (ends->size() != starts->size() || axes.size() != starts->size() ||
      steps.size() != starts->size()) {
    call.fail("'starts', 'ends', 'axes' and 'steps' must have one length");
  }
  std::vector<SlicedAxis> result;
  std::vector<bool> seen(shape.size(), false);
  for (size_t i = 0; i < axes.size(); ++i) {
    const size_t axis = front_axis(call, axes[i], shape.size());
    if (seen[axis]) call.fail(cat("names axis ", axis, " twice"));
    seen[axis] = true;
    if (steps[i] == 0 || steps[i] == std::numeric_limits<int64_t>::min()) {
      call.fail(cat("'steps' must not hold ", steps[i]));
    }
    result.push_back(resolved(shape[axis], (*starts)[i], (*ends)[i], steps[i]));
    result.back().axis = axis;
  }
  return result;
}

std::vector<int64_t> split_sizes(const OpCall& call, int64_t extent) {
  std::vector<int64_t> sizes;
  const bool is_one_size =
      call.op() == "SplitToSequence" && call.has_input(1) && call.constant(1).shape.empty();
  if (is_one_size) {
    const int64_t size = to_ints(call.constant(1)).at(0);
    if (size < 1) call.fail(cat("cannot make parts of ", size));
    for (int64_t begin = 0; begin < extent; begin += size) {
      sizes.push_back(std::min(size, extent - begin));
    }
    return sizes;
  }
  if (const auto stated = call.ints_at("split", 1)) {
    sizes = *stated;
  } else {
    const bool is_sequence = call.op() == "SplitToSequence";
    const auto outputs = static_cast<int64_t>(call.output_count());
    const int64_t count = is_sequence ? extent : call.integer("num_outputs", outputs);
    if (count < 1 || count > std::max<int64_t>(extent, 1)) {
      call.fail(cat("cannot make ", count, " parts of ", extent));
    }
    const int64_t size = (extent + count - 1) / count;
    for (int64_t i = 0; i < count; ++i) {
      sizes.push_back(std::clamp<int64_t>(extent - i * size, 0, size));
    }
  }
  int64_t rest = extent;
  for (const int64_t size : sizes) {
    if (size < 0 || size > rest) call.fail("its parts do not fit the axis");
    rest -= size;
  }
  if (rest != 0) call.fail(cat("its parts leave ", rest, " of ", extent));
  return sizes;
}

Shape reshaped(const OpCall& call, const Shape& from, const std::vector<int64_t>& target) {
  Shape shape = target;
  const bool copies_zero = call.integer("allowzero", 0) == 0;
  int64_t open = -1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && copies_zero) {
      if (i >= from.size()) call.fail("copies an axis that its input does not have");
      shape[i] = from[i];
    } else if (shape[i] == -1) {
      if (open >= 0) call.fail("only one entry of the shape may be -1");
      open = static_cast<int64_t>(i);
      shape[i] = 1;
    }
  }
  const int64_t count = count_elements(from);
  const int64_t rest = count_elements(shape);
  if (open >= 0 && rest > 0 && count % rest == 0) shape[static_cast<size_t>(open)] = count / rest;
  if (count_elements(shape) != count) {
    call.fail(
        cat("cannot read a value of shape ", format_shape(from), " as ", format_shape(target)));
  }
  return shape;
}

Shape squeezed(const OpCall& call, const Shape& shape) {
  std::vector<bool> drop(shape.size(), false);
  if (const auto axes = call.ints_at("axes", 1)) {
    for (const int64_t axis : *axes) drop[front_axis(call, axis, shape.size())] = true;
  } else {
    for (size_t i = 0; i < shape.size(); ++i) drop[i] = shape[i] == 1;
  }
  Shape result;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (!drop[i]) result.push_back(shape[i]);
    if (drop[i] && shape[i] != 1)
      call.fail(cat("axis ", i, " has ", shape[i], " positions, not 1"));
  }
  return result;
}

Shape unsqueezed(const OpCall& call, const Shape& shape) {
  const auto axes = call.ints_at("axes", 1);
  if (!axes) call.fail("lacks 'axes'");
  const size_t rank = shape.size() + axes->size();
  if (rank > 64) call.fail("makes a value of too many axes");
  std::vector<bool> is_new(rank, false);
  for (const int64_t axis : *axes) {
    const size_t place = front_axis(call, axis, rank);
    if (is_new[place]) call.fail(cat("names axis ", place, " twice"));
    is_new[place] = true;
  }
  Shape result;
  size_t next = 0;
  for (size_t i = 0; i < rank; ++i) result.push_back(is_new[i] ? 1 : shape[next++]);
  return result;
}

std::vector<int64_t> shape_part(const OpCall& call, const Shape& shape) {
  const auto rank = static_cast<int64_t>(shape.size());
  const auto clamped = [&](int64_t axis) {
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  const int64_t begin = clamped(call.integer("start", 0));
  const int64_t end = std::max(begin, clamped(call.integer("end", rank)));
  return {shape.begin() + begin, shape.begin() + end};
}

Shape broadcast(const OpCall& call, const Shape& a, const Shape& b) {
  Shape result(std::max(a.size(), b.size()));
  for (size_t i = 0; i < result.size(); ++i) {
    const int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) {
      call.fail(cat("shapes ", format_shape(a), " and ", format_shape(b), " do not go together"));
    }
    result[result.size() - 1 - i] = x == 1 ? y : x;
  }
  return result;
}

}  // namespace morph::onnx
