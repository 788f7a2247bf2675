#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "morph/base/error.h"
#include "morph/onnx/importer.h"

namespace morph::onnx {
namespace {

using Ints = std::vector<int64_t>;

NodeId live_input(Importer& importer, const OpCall& call) {
  return importer.operand(call, 0, importer.shape(call.input(0)).size());
}

/// Before opset 11 the bounds are attributes, ±the largest float if left out.
std::vector<Value> import_clip(Importer& importer, const OpCall& call) {
  constexpr double kLargest = 3.4028234e38;
  NewNode node{.op = "Clip", .inputs = {live_input(importer, call)}};
  const auto min = call.number_at("min", 1);
  const auto max = call.number_at("max", 2);
  if (min && *min > -kLargest) node.attrs["min"] = std::vector<double>{*min};
  if (max && *max < kLargest) node.attrs["max"] = std::vector<double>{*max};
  return {importer.add(call, std::move(node))};
}

/// The second output, a mask, exists in training only.
std::vector<Value> import_dropout(Importer& importer, const OpCall& call) {
  const double ratio = call.number_at("ratio", 1).value_or(0.5);
  NewNode node{.op = "Dropout", .inputs = {live_input(importer, call)}};
  if (ratio != 0.5) node.attrs["ratio"] = std::vector<double>{ratio};
  return {importer.add(call, std::move(node))};
}

/// Live values are floating-point numbers of one width here, so that a Cast between them is none.
std::vector<Value> import_cast(Importer&, const OpCall& call) {
  const DataType to =
      call.op() == "Cast" ? static_cast<DataType>(call.integer("to", 0)) : call.input(1).type;
  if (!is_floating(to)) {
    call.fail(cat("turns values that depend on the network's input into ", type_name(to)));
  }
  Value value = call.input(0);
  value.type = to;
  return {value};
}

/// CastLike may read a constant to cast and a live value for its type alone.
std::vector<Value> import_cast_like(Importer& importer, const OpCall& call) {
  if (!call.input(0).constant) return import_cast(importer, call);
  const auto cast = [&](const Array& array) {
    return importer.folder().cast(call, array, call.input(1).type);
  };
  const Array at_open = cast(call.constant(0));
  const std::optional<Array>& other = call.input(0).at_other_batch;
  return {batch_constant(at_open, other ? cast(*other) : at_open)};
}

/// Axes in an attribute, from opset 13 (sum) or 18 (the others) on in an input; all if left out.
std::vector<Value> import_reduce(Importer& importer, const OpCall& call) {
  const size_t rank = importer.shape(call.input(0)).size();
  const auto stated = call.ints_at("axes", 1);
  if ((!stated || stated->empty()) && call.integer("noop_with_empty_axes", 0) != 0) {
    return {call.input(0)};
  }
  Ints axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  if (stated && !stated->empty()) {
    axes.clear();
    for (const int64_t axis : *stated) {
      axes.push_back(static_cast<int64_t>(front_axis(call, axis, rank)));
    }
    std::ranges::sort(axes);
  }
  NewNode node{.op = call.op(), .inputs = {live_input(importer, call)}, .attrs = {{"axes", axes}}};
  if (call.integer("keepdims", 1) == 0) node.attrs["keepdims"] = Ints{0};
  return {importer.add(call, std::move(node))};
}

/// Up to opset 12 all axes from `axis` on are one; that is the same where the later ones have one
/// position.
std::vector<Value> import_softmax(Importer& importer, const OpCall& call) {
  const Shape shape = importer.shape(call.input(0));
  const size_t axis =
      front_axis(call, call.integer("axis", call.opset() < 13 ? 1 : -1), shape.size());
  if (call.opset() < 13 &&
      count_elements({shape.begin() + static_cast<int64_t>(axis) + 1, shape.end()}) != 1) {
    call.fail("before opset 13 it is taken over several axes at once, which is not supported");
  }
  NewNode node{.op = call.op(), .inputs = {live_input(importer, call)}};
  if (axis + 1 != shape.size()) node.attrs["axis"] = Ints{static_cast<int64_t>(axis)};
  return {importer.add(call, std::move(node))};
}

/// The slope broadcasts to one example: axes of one position before that are none.
std::vector<Value> import_prelu(Importer& importer, const OpCall& call) {
  const size_t rank = importer.shape(call.input(0)).size();
  Weight slope = importer.weight(call, 1, "slope");
  Shape shape = slope.array.shape;
  while (shape.size() >= rank && shape.size() > 1 && shape[0] == 1) shape.erase(shape.begin());
  if (shape.empty()) shape = {1};
  slope.array = Folder::viewed(slope.array, shape);
  NewNode node{.op = "PRelu", .inputs = {live_input(importer, call)}};
  return {importer.add(call, std::move(node), {slope})};
}

/// What an input of Resize holds: empty stands for left out.
std::vector<double> resize_input(const OpCall& call, std::string_view name, size_t i) {
  if (const auto stated = call.numbers(name)) return *stated;
  return call.has_input(i) ? to_doubles(call.constant(i)) : std::vector<double>();
}

/// Scales or sizes for all axes, whatever the opset has them for.
std::vector<Value> import_resize(Importer& importer, const OpCall& call) {
  const size_t rank = importer.shape(call.input(0)).size();
  const bool has_roi = call.op() == "Resize" && call.opset() >= 11;
  NewNode node{.op = "Resize",
               .inputs = {live_input(importer, call)},
               .attrs = same_attributes(call, "Resize")};
  std::vector<double> scales = resize_input(call, "scales", has_roi ? 2 : 1);
  const std::vector<double> sizes = has_roi ? resize_input(call, "", 3) : std::vector<double>();
  const bool names_axes = call.has_attribute("axes");
  if (scales.empty() == sizes.empty()) call.fail("wants either scales or sizes");
  if (!sizes.empty()) {
    Ints whole(sizes.begin(), sizes.end());
    if (!names_axes && importer.may_be_batch(whole[0])) whole[0] = 1;
    node.attrs["sizes"] = whole;
  } else {
    for (double& scale : scales) scale = with_same_digits(static_cast<float>(scale));
    if (names_axes) {
      std::vector<double> all(rank, 1);
      const Ints axes = *call.ints("axes");
      for (size_t i = 0; i < axes.size() && i < scales.size(); ++i) {
        all[front_axis(call, axes[i], rank)] = scales[i];
      }
      scales = all;
      node.attrs.erase("axes");
    }
    node.attrs["scales"] = scales;
  }
  const bool crops = call.text("coordinate_transformation_mode", "") == "tf_crop_and_resize";
  if (has_roi && crops) node.attrs["roi"] = resize_input(call, "", 1);
  if (!has_roi) {
    // Then the positions were those of corners, and a nearest one was rounded down.
    node.attrs["coordinate_transformation_mode"] = std::string("asymmetric");
    node.attrs["nearest_mode"] = std::string("floor");
  }
  if (call.text("mode", "nearest") != "nearest") node.attrs.erase("nearest_mode");
  return {importer.add(call, std::move(node))};
}

/// One side of a Where, times the constant that is 1 where it is taken.
Value taken(Importer& importer, const OpCall& call, const Value& side, const Array& mask) {
  const Value factor{.constant = mask};
  NodeProto node = call.node();
  node.op_type = "Mul";
  node.inputs = {"taken", "mask"};
  const OpCall product(node, call.opset(), {&side, &factor});
  const size_t rank = importer.shape(side).size();
  if (mask.shape.size() > rank) call.fail("broadcasts a value to more axes");
  NewNode made{.op = "Mul", .suffix = "taken"};
  made.inputs = {importer.operand(product, 0, rank), importer.operand(product, 1, rank)};
  return importer.add(product, std::move(made));
}

/// The other side, if it is constant: its values where it is taken, else 0.
Array taken(Importer& importer, const OpCall& call, const Array& side, const Array& mask) {
  const Value where{.constant = mask};
  const Value value{.constant = importer.folder().cast(call, side, DataType::kFloat)};
  const Value zero{.constant = importer.folder().scaled(call, mask, 0)};
  NodeProto node = call.node();
  node.op_type = "Where";
  return importer.folder().run(OpCall(node, call.opset(), {&where, &value, &zero})).at(0);
}

/// With a constant condition, as a mask has it: each side times where it is taken, and their sum.
std::vector<Value> import_where(Importer& importer, const OpCall& call) {
  const Array& condition = call.constant(0);
  std::vector<double> truths = to_doubles(condition);
  std::vector<Value> terms;
  for (const size_t i : {size_t{1}, size_t{2}}) {
    for (double& truth : truths) truth = (truth != 0) == (i == 1) ? 1 : 0;
    const Array mask =
        importer.folder().keep(call,
                               DataType::kFloat,
                               condition.shape,
                               to_bytes(std::span<const double>(truths), DataType::kFloat));
    for (double& truth : truths) truth = (truth != 0) == (i == 1) ? 1 : 0;
    if (call.input(i).is_live()) {
      terms.push_back(taken(importer, call, call.input(i), mask));
    } else {
      terms.push_back({.constant = taken(importer, call, call.constant(i), mask)});
    }
  }
  const size_t live = terms[0].is_live() ? 0 : 1;
  const std::optional<Array>& constant = terms[1 - live].constant;
  const bool is_zero =
      constant && std::ranges::all_of(constant->bytes, [](char byte) { return byte == 0; });
  if (is_zero && constant->shape.size() <= importer.shape(terms[live]).size()) return {terms[live]};
  NodeProto node = call.node();
  node.op_type = "Add";
  const OpCall sum(node, call.opset(), {&terms[0], &terms[1]});
  const size_t rank = importer.shape(terms[live]).size();
  NewNode made{.op = "Add"};
  made.inputs = {importer.operand(sum, 0, rank), importer.operand(sum, 1, rank)};
  return {importer.add(sum, std::move(made))};
}

constexpr std::array kRules = {
    ImportRow{"Cast", import_cast},
    ImportRow{"CastLike", import_cast_like},
    ImportRow{"Clip", import_clip},
    ImportRow{"Dropout", import_dropout},
    ImportRow{"LogSoftmax", import_softmax},
    ImportRow{"PRelu", import_prelu},
    ImportRow{"ReduceL2", import_reduce},
    ImportRow{"ReduceMax", import_reduce},
    ImportRow{"ReduceMean", import_reduce},
    ImportRow{"ReduceMin", import_reduce},
    ImportRow{"ReduceSum", import_reduce},
    ImportRow{"Resize", import_resize},
    ImportRow{"Softmax", import_softmax},
    ImportRow{"Upsample", import_resize},
    ImportRow{"Where", import_where},
};

}  // namespace

std::span<const ImportRow> elementwise_rules() { return kRules; }

}  // namespace morph::onnx
