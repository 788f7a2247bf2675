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

std::vector<Value> import_gemm(Importer& importer, const OpCall& call) {
  if (call.integer("transA", 0) != 0) {
    call.fail("transA = 1 would put the batch on the second axis");
  }
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
  return {importer.add(call, std::move(node), std::move(weights))};
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

constexpr std::array kRules = {
    ImportRow{"BatchNormalization", import_batch_normalization},
    ImportRow{"Conv", import_conv},
    ImportRow{"ConvTranspose", import_conv},
    ImportRow{"Gemm", import_gemm},
    ImportRow{"GroupNormalization", import_group_normalization},
    ImportRow{"MatMul", import_mat_mul},
};

}  // namespace

std::span<const ImportRow> layer_rules() { return kRules; }

}  // namespace morph::onnx
