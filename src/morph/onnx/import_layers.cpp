#include <algorithm>
#include <array>
#include <numeric>

#include "morph/base/error.h"
#include "morph/onnx/importer.h"

namespace morph::onnx {
namespace {

/// A bias that a file computes and that is zero stands for none: exporters make one of the shape of
/// the weight for every convolution.
bool is_empty_bias(const OpCall& call, size_t i) {
  if (!call.has_input(i)) return true;
  const Value& value = call.input(i);
  if (!value.constant || !value.tensor.empty()) return false;
  return std::ranges::all_of(value.constant->bytes, [](char byte) { return byte == 0; });
}

std::vector<Value> import_conv(Importer& importer, const OpCall& call) {
  std::vector<Weight> weights = {importer.weight(call, 1, "weight")};
  if (!is_empty_bias(call, 2)) weights.push_back(importer.weight(call, 2, "bias"));
  NewNode node{.op = call.op(),
               .inputs = {importer.operand(call, 0, weights[0].array.shape.size())},
               .attrs = same_attributes(call, call.op())};
  return {importer.add(call, std::move(node), std::move(weights))};
}

/// The weight of a Gemm as [O, I], times alpha.
Weight gemm_weight(Importer& importer, const OpCall& call) {
  Weight weight = importer.weight(call, 1, "weight");
  const double alpha = call.number("alpha", 1.0);
  if (weight.array.shape.size() != 2) call.fail("its weight is no matrix");
  if (call.integer("transB", 0) == 0) {
    weight.array = importer.folder().transposed(call, weight.array, {1, 0});
  }
  if (alpha != 1) weight.array = importer.folder().scaled(call, weight.array, alpha);
  return weight;
}

/// Of rows that are not one for each example, as [N · T, C]: a product and a sum along the last
/// axis.
std::vector<Value> import_gemm_of_rows(Importer& importer, const OpCall& call) {
  Weight weight = importer.weight(call, 1, "weight");
  if (call.integer("transB", 0) != 0) {
    weight.array = importer.folder().transposed(call, weight.array, {1, 0});
  }
  if (call.number("alpha", 1.0) != 1 || call.number("beta", 1.0) != 1) {
    call.fail("alpha and beta are not supported where the batch lies together with another axis");
  }
  const bool has_bias = !is_empty_bias(call, 2);
  NewNode node{.op = "MatMul", .inputs = {importer.operand(call, 0, 2)}};
  if (has_bias) node.suffix = "product";
  const Value product = importer.add(call, std::move(node), {weight});
  if (!has_bias) return {product};
  const NodeId bias = importer.operand(call, 2, 2);
  return {importer.add(call, {.op = "Add", .inputs = {product.node, bias}})};
}

std::vector<Value> import_gemm(Importer& importer, const OpCall& call) {
  if (call.integer("transA", 0) != 0) {
    call.fail("transA = 1 would put the batch on the second axis");
  }
  if (!importer.place(call).is_first()) return import_gemm_of_rows(importer, call);
  std::vector<Weight> weights = {gemm_weight(importer, call)};
  const int64_t outputs = weights[0].array.shape[0];
  if (!is_empty_bias(call, 2)) {
    Weight bias = importer.weight(call, 2, "bias");
    Shape shape = bias.array.shape;
    while (shape.size() > 1 && shape[0] == 1) shape.erase(shape.begin());
    if (shape.size() > 1) call.fail("its bias differs between the examples of a batch");
    bias.array = importer.folder().expanded(call, Folder::viewed(bias.array, shape), {outputs});
    const double beta = call.number("beta", 1.0);
    if (beta != 1) bias.array = importer.folder().scaled(call, bias.array, beta);
    weights.push_back(std::move(bias));
  }
  NewNode node{.op = "Gemm", .inputs = {importer.operand(call, 0, 2)}};
  return {importer.add(call, std::move(node), std::move(weights))};
}

/// BatchNormalization of [N · T, C, …], which is that of [N, C, T, …].
Value normalize_rows(Importer& importer,
                     const OpCall& call,
                     NewNode node,
                     std::vector<Weight> weights) {
  const BatchPlace place = importer.place(call);
  const size_t rank = importer.graph()[node.inputs[0]].shape.size();
  if (place.axis != 0) call.fail("has the batch along its channels");
  // The channels' axis of our node goes to the front of the others, and back again.
  const size_t channels = 1 + place.extra_axes();
  std::vector<int64_t> there(rank);
  std::iota(there.begin(), there.end(), 0);
  std::vector<int64_t> back = there;
  const auto at = [](std::vector<int64_t>& axes, size_t i) {
    return axes.begin() + static_cast<int64_t>(i);
  };
  std::rotate(at(there, 1), at(there, channels), at(there, channels + 1));
  std::rotate(at(back, 1), at(back, 2), at(back, channels + 1));
  const auto move = [&](NodeId from, const std::vector<int64_t>& perm, std::string suffix) {
    NewNode moved{.op = "Transpose", .inputs = {from}, .suffix = std::move(suffix), .place = place};
    moved.attrs["perm"] = perm;
    return importer.add(call, std::move(moved));
  };
  node.inputs = {move(node.inputs[0], there, "channels_first").node};
  node.place = place;
  const Value normal = importer.add(call, std::move(node), std::move(weights));
  return move(normal.node, back, "channels_back");
}

std::vector<Value> import_batch_normalization(Importer& importer, const OpCall& call) {
  if (call.integer("spatial", 1) != 1) {
    call.fail("spatial = 0, with one scale for each position, is not supported");
  }
  constexpr std::array kSlots = {"weight", "bias", "running_mean", "running_var"};
  std::vector<Weight> weights;
  for (size_t i = 0; i < kSlots.size(); ++i) {
    weights.push_back(importer.weight(call, i + 1, kSlots[i]));
  }
  NewNode node{.op = call.op(), .attrs = same_attributes(call, call.op())};
  // PyTorch before 1.4 wrote 1 whatever the momentum was.
  if (call.number("momentum", 0.9) == 1) node.attrs.erase("momentum");
  const size_t rank = importer.shape(call.input(0)).size();
  node.inputs = {importer.operand(call, 0, rank)};
  if (importer.place(call).is_first()) {
    return {importer.add(call, std::move(node), std::move(weights))};
  }
  return {normalize_rows(importer, call, std::move(node), std::move(weights))};
}

/// Before opset 21 scale and bias are those of groups.
std::vector<Value> import_group_normalization(Importer& importer, const OpCall& call) {
  const Shape shape = importer.shape(call.input(0));
  const int64_t groups = call.integer("num_groups", 0);
  if (shape.size() < 2 || groups < 1 || shape[1] % groups != 0) {
    call.fail(cat("cannot make ", groups, " groups of an input of shape ", format_shape(shape)));
  }
  std::vector<Weight> weights;
  for (const size_t i : {size_t{1}, size_t{2}}) {
    Weight weight = importer.weight(call, i, i == 1 ? "weight" : "bias");
    if (call.opset() < 21 && weight.array.shape == Shape{groups} && groups != shape[1]) {
      const Array column = Folder::viewed(weight.array, {groups, 1});
      const Array all = importer.folder().expanded(call, column, {groups, shape[1] / groups});
      weight.array = Folder::viewed(all, {shape[1]});
    }
    weights.push_back(std::move(weight));
  }
  NewNode node{.op = call.op(), .attrs = same_attributes(call, call.op())};
  node.inputs = {importer.operand(call, 0, shape.size())};
  return {importer.add(call, std::move(node), std::move(weights))};
}

/// With a constant matrix a dense layer, else the product of two values.
std::vector<Value> import_mat_mul(Importer& importer, const OpCall& call) {
  const Shape& left = importer.shape(call.input(0));
  if (call.input(0).is_live() && call.input(1).constant) {
    if (call.constant(1).shape.size() != 2) call.fail("its constant is no matrix");
    NewNode node{.op = "MatMul", .inputs = {importer.operand(call, 0, left.size())}};
    return {importer.add(call, std::move(node), {importer.weight(call, 1, "weight")})};
  }
  const size_t rank = std::max(left.size(), importer.shape(call.input(1)).size());
  NewNode node{.op = "MatMul"};
  for (const size_t i : {size_t{0}, size_t{1}}) {
    node.inputs.push_back(importer.operand(call, i, rank));
  }
  return {importer.add(call, std::move(node))};
}

/// The labels of an Einsum's operand or output, without spaces.
std::string labels(std::string_view text) {
  std::string result;
  for (const char letter : text) {
    if (letter != ' ') result += letter;
  }
  return result;
}

/// The operand with its last two axes exchanged.
NodeId exchanged(Importer& importer, const OpCall& call, NodeId id, std::string suffix) {
  const size_t rank = importer.graph()[id].shape.size();
  std::vector<int64_t> perm(rank);
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm[rank - 2], perm[rank - 1]);
  NewNode node{.op = "Transpose", .inputs = {id}, .suffix = std::move(suffix)};
  node.attrs["perm"] = perm;
  node.place = importer.place(call);
  return importer.add(call, std::move(node)).node;
}

/// The forms that are a product of matrices along the last two axes: "bik,bjk->bij" and its kin.
std::vector<Value> import_einsum(Importer& importer, const OpCall& call) {
  const std::string equation = labels(call.text("equation", ""));
  const size_t comma = equation.find(',');
  const size_t arrow = equation.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || call.input_count() != 2) {
    call.fail("is supported for two operands and a stated output");
  }
  const std::string a = equation.substr(0, comma);
  const std::string b = equation.substr(comma + 1, arrow - comma - 1);
  const std::string c = equation.substr(arrow + 2);
  const size_t rank = a.size();
  if (rank < 3 || b.size() != rank || c.size() != rank || importer.place(call).axis + 2 >= rank ||
      a.substr(0, rank - 2) != b.substr(0, rank - 2) ||
      a.substr(0, rank - 2) != c.substr(0, rank - 2)) {
    call.fail(cat("'", equation, "' is no product of matrices along the last two axes"));
  }
  const char row = c[rank - 2];
  const char column = c[rank - 1];
  const auto inner = [&](const std::string& operand, char outer) {
    return operand[rank - 1] == outer ? operand[rank - 2] : operand[rank - 1];
  };
  const bool has_row = a[rank - 2] == row || a[rank - 1] == row;
  const bool has_column = b[rank - 2] == column || b[rank - 1] == column;
  if (!has_row || !has_column || inner(a, row) != inner(b, column)) {
    call.fail(cat("'", equation, "' is no product of matrices along the last two axes"));
  }
  NodeId left = importer.operand(call, 0, rank);
  NodeId right = importer.operand(call, 1, rank);
  if (a[rank - 1] == row) left = exchanged(importer, call, left, "left");
  if (b[rank - 2] == column) right = exchanged(importer, call, right, "right");
  return {importer.add(call, {.op = "MatMul", .inputs = {left, right}})};
}

constexpr std::array kRules = {
    ImportRow{"BatchNormalization", import_batch_normalization},
    ImportRow{"Conv", import_conv},
    ImportRow{"ConvTranspose", import_conv},
    ImportRow{"Einsum", import_einsum},
    ImportRow{"Gemm", import_gemm},
    ImportRow{"GroupNormalization", import_group_normalization},
    ImportRow{"MatMul", import_mat_mul},
};

}  // namespace

std::span<const ImportRow> layer_rules() { return kRules; }

}  // namespace morph::onnx
