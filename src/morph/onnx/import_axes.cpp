#include <algorithm>
#include <array>

#include "morph/base/error.h"
#include "morph/onnx/importer.h"

namespace morph::onnx {
namespace {

using Ints = std::vector<int64_t>;

/// Ops that treat all axes alike, sorted.
constexpr std::array<std::string_view, 38> kAxisless = {"Abs",       "Add",
                                                        "Ceil",      "Celu",
                                                        "Clip",      "Cos",
                                                        "Div",       "Dropout",
                                                        "Elu",       "Erf",
                                                        "Exp",       "Floor",
                                                        "Gelu",      "HardSigmoid",
                                                        "HardSwish", "Identity",
                                                        "LeakyRelu", "Log",
                                                        "Max",       "Mean",
                                                        "Min",       "Mish",
                                                        "Mul",       "Neg",
                                                        "Pow",       "Reciprocal",
                                                        "Relu",      "Selu",
                                                        "Sigmoid",   "Sin",
                                                        "Softplus",  "Softsign",
                                                        "Sqrt",      "Sub",
                                                        "Sum",       "Swish",
                                                        "Tanh",      "ThresholdedRelu"};

/// Ops with one axis in 'axis', and what it is where it is not stated.
struct AxisRow {
  std::string_view op;
  int64_t fallback;
};
constexpr std::array kOneAxis = {
    AxisRow{"Concat", 1},
    AxisRow{"Gather", 0},
    AxisRow{"LayerNormalization", -1},
    AxisRow{"LogSoftmax", -1},
    AxisRow{"LpNormalization", -1},
    AxisRow{"Softmax", -1},
};

/// Turns axes of the file's values into those of our graph.
class AxisMap {
 public:
  AxisMap(const OpCall& call, const BatchPlace& place, size_t rank)
      : call_(call), place_(place), rank_(rank) {}

  int64_t operator()(int64_t axis) const {
    const size_t front = front_axis(call_, axis, rank_);
    if (front == place_.axis) {
      call_.fail(cat("works along axis ", front, ", where the batch lies"));
    }
    return static_cast<int64_t>(stored_axis(front, place_));
  }

  Ints operator()(Ints axes) const {
    for (int64_t& axis : axes) axis = (*this)(axis);
    return axes;
  }

 private:
  const OpCall& call_;
  const BatchPlace& place_;
  size_t rank_;
};

Ints* axes_of(NewNode& node) {
  const auto it = node.attrs.find("axes");
  return it == node.attrs.end() ? nullptr : std::get_if<Ints>(&it->second);
}

/// The place with as many axes more or fewer before it.
BatchPlace moved(BatchPlace place, int64_t by) {
  place.axis = static_cast<size_t>(static_cast<int64_t>(place.axis) + by);
  return place;
}

BatchPlace store_unsqueeze(const OpCall& call, Ints& axes, BatchPlace place, size_t rank) {
  std::ranges::sort(axes);
  for (const int64_t axis : axes) {
    if (axis <= static_cast<int64_t>(place.axis)) place = moved(place, 1);
  }
  axes = AxisMap(call, place, rank + axes.size())(axes);
  return place;
}

int64_t count_before(const Ints& axes, const BatchPlace& place) {
  return std::ranges::count_if(
      axes, [&](int64_t axis) { return axis < static_cast<int64_t>(place.axis); });
}

/// Of an op with one axis; a Gather puts as many axes there as its indices have.
BatchPlace store_axis(const OpCall& call, NewNode& node, const BatchPlace& place, size_t rank) {
  const auto row = std::ranges::find(kOneAxis, node.op, &AxisRow::op);
  const auto stated = node.attrs.find("axis");
  const int64_t axis =
      stated == node.attrs.end() ? row->fallback : std::get<Ints>(stated->second).at(0);
  const int64_t stored = AxisMap(call, place, rank)(axis);
  const bool is_last = stored + 1 == static_cast<int64_t>(rank + place.extra_axes());
  node.attrs["axis"] = Ints{stored};
  if (row->fallback == -1 && is_last) node.attrs.erase("axis");
  if (node.op == "LayerNormalization" && front_axis(call, axis, rank) < place.axis) {
    call.fail("normalises over the batch");
  }
  if (node.op != "Gather" || front_axis(call, axis, rank) > place.axis) return place;
  const auto places = node.attrs.find("indices_shape");
  const size_t made = places == node.attrs.end() ? 1 : std::get<Ints>(places->second).size();
  return moved(place, static_cast<int64_t>(made) - 1);
}

}  // namespace

BatchPlace store_axes(const OpCall& call, NewNode& node, const BatchPlace& place, size_t rank) {
  Ints* axes = axes_of(node);
  if (node.op == "Unsqueeze" && axes != nullptr) return store_unsqueeze(call, *axes, place, rank);
  if (place.is_first() || std::ranges::binary_search(kAxisless, node.op)) return place;
  if (std::ranges::find(kOneAxis, node.op, &AxisRow::op) != kOneAxis.end()) {
    return store_axis(call, node, place, rank);
  }
  const bool drops = node.op == "Squeeze" || node.attrs.count("keepdims") != 0;
  if (axes != nullptr && (drops || node.op == "Slice" || node.op.starts_with("Reduce"))) {
    const BatchPlace made = drops ? moved(place, -count_before(*axes, place)) : place;
    *axes = AxisMap(call, place, rank)(*axes);
    return made;
  }
  // A product of values has the batch before its matrices; of a dense layer's input it may be rows.
  const size_t matrix = node.inputs.size() == 2 ? 2 : 1;
  if (node.op == "MatMul" && place.axis + matrix < rank) return place;
  call.fail(cat("reads a value with the batch along axis ",
                place.axis,
                place.before * place.after > 1 ? ", together with another" : "",
                ", which is not supported"));
}

}  // namespace morph::onnx
