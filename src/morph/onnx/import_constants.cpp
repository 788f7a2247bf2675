#include <algorithm>
#include <list>
#include <utility>

#include "morph/base/error.h"
#include "morph/onnx/importer.h"

namespace morph::onnx {
namespace {

/// Whether two arrays are one, not only equal.
bool is_same(const Array& a, const Array& b) {
  return a.bytes.data() == b.bytes.data() && a.bytes.size() == b.bytes.size() && a.type == b.type &&
         a.shape == b.shape;
}

/// The number that all elements are, or 0.
double initial_value(const Array& array) {
  if (!is_uniform(array) || array.bytes.empty()) return 0;
  const Array first{.type = array.type, .bytes = array.bytes.substr(0, element_bytes(array.type))};
  return with_same_digits(static_cast<float>(to_doubles(first).at(0)));
}

}  // namespace

Value batch_constant(const Array& at_open, const Array& at_other) {
  Value value{.constant = at_open, .type = at_open.type};
  if (at_other != at_open) value.at_other_batch = at_other;
  return value;
}

/// Computes a call that reads constants alone, for both sizes of the batch if they depend on it.
std::vector<Value> Importer::fold(const OpCall& call) {
  std::vector<Value> values;
  for (const Array& array : folder_.run(call)) {
    values.push_back({.constant = array, .type = array.type});
  }
  std::list<Value> others;
  std::vector<const Value*> inputs;
  for (size_t i = 0; i < call.input_count(); ++i) {
    inputs.push_back(call.has_input(i) ? &call.input(i) : nullptr);
    if (inputs[i] == nullptr || !inputs[i]->at_other_batch) continue;
    inputs[i] = &others.emplace_back(Value{.constant = inputs[i]->at_other_batch});
  }
  if (!others.empty()) {
    const std::vector<Array> at_other = folder_.run({call.node(), call.opset(), inputs});
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = batch_constant(*values[i].constant, at_other.at(i));
    }
  }
  // An alias, also by an Expand or a Cast that changes nothing.
  if (call.has_input(0) && is_same(*values.at(0).constant, call.constant(0))) {
    values[0].tensor = call.input(0).tensor;
  }
  return values;
}

Weight Importer::weight(const OpCall& call, size_t i, std::string slot) const {
  return {.slot = std::move(slot), .array = call.constant(i), .tensor = call.input(i).tensor};
}

/// The constant without what it repeats for each example of a batch; else as it is.
Array Importer::for_one_example(const OpCall& call, const Array& array, const BatchPlace& place) {
  const int64_t each = place.before * place.after;
  for (const int64_t batch : {kOpenBatch, kOtherBatch, traced_batch_}) {
    if (batch < 2 || array.shape[place.axis] != each * batch) continue;
    const auto at = array.shape.begin() + static_cast<int64_t>(place.axis);
    Shape parts(array.shape.begin(), at);
    parts.insert(parts.end(), {place.before, batch, place.after});
    parts.insert(parts.end(), at + 1, array.shape.end());
    const Array view = Folder::viewed(array, parts);
    Array one = folder_.sliced(call, view, {.axis = place.axis + 1, .count = 1});
    if (folder_.expanded(call, one, parts).bytes != array.bytes) continue;
    Shape shape = array.shape;
    shape[place.axis] = each;
    return Folder::viewed(one, shape);
  }
  return array;
}

/// A constant of the file's rank as one of our graph, beside a value that has the batch elsewhere.
Array Importer::as_operand(const OpCall& call, Array array, size_t rank) {
  const BatchPlace place = this->place(call);
  if (array.shape.size() == rank && place.axis < rank) array = for_one_example(call, array, place);
  while (array.shape.size() < rank) array.shape.insert(array.shape.begin(), 1);
  if (place.is_first() || place.axis >= rank) return array;
  const int64_t extent = array.shape[place.axis];
  if (extent != 1 && extent != place.before * place.after) {
    call.fail("reads a constant that differs between the examples of a batch");
  }
  Shape stored = stored_shape(array.shape, place);
  const auto parts = stored.begin() + 1 + static_cast<int64_t>(place.axis);
  if (extent == 1) std::fill_n(parts, place.extra_axes(), 1);
  return Folder::viewed(array, stored);
}

NodeId Importer::operand(const OpCall& call, size_t i, size_t rank) {
  const Value& value = call.input(i);
  if (value.is_sequence) call.fail("reads a sequence where one value is wanted");
  if (value.is_live()) {
    const BatchPlace& own = places_.at(index(value.node));
    const size_t own_rank = graph_[value.node].shape.size() - own.extra_axes();
    if (own_rank == rank && own == place(call)) return value.node;
    call.fail(cat("input '",
                  call.node().inputs[i],
                  "' has rank ",
                  own_rank,
                  " and meets one of rank ",
                  rank,
                  ": the batch would meet another axis"));
  }
  Weight weight = this->weight(call, i, "value");
  weight.array = as_operand(call, weight.array, rank);
  if (value.at_other_batch && as_operand(call, *value.at_other_batch, rank) != weight.array) {
    call.fail(
        cat("computes with '",
            call.node().inputs[i],
            "', which depends on the size of the batch; what it makes of an example has to be "
            "the same in any batch"));
  }
  const Shape& shape = weight.array.shape;
  if (!is_floating(weight.array.type)) {
    weight.array = folder_.cast(call, weight.array, DataType::kFloat);
  }
  const bool is_trainable = !weight.tensor.empty() && count_elements(shape) > 1;
  const bool is_shared = !weight.tensor.empty() && !(is_trainable && may_be_merged(weight));
  const auto key = std::pair(weight.tensor, shape);
  if (const auto known = operands_.find(key); is_shared && known != operands_.end()) {
    return known->second;
  }
  NewNode node{.op = is_trainable ? "Parameter" : "Constant"};
  node.suffix = weight.tensor.empty() ? cat("operand", i) : "";
  node.name = weight.tensor;
  // Our tensors are called after their node and slot.
  if (node.name.ends_with(".value")) node.name.resize(node.name.size() - 6);
  const double initial = initial_value(weight.array);
  if (initial != 0) node.attrs["initial"] = std::vector<double>{initial};
  const NodeId id = add(call, std::move(node), {weight}).node;
  if (is_shared) operands_[key] = id;
  return id;
}

}  // namespace morph::onnx
