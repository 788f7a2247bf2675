#include "morph/zoo/builder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "morph/analysis/shapes.h"
#include "morph/base/error.h"
#include "morph/ops/op_def.h"

namespace morph::zoo {
namespace {

using Ints = std::vector<int64_t>;

Node with_params(Node node, const std::vector<std::pair<std::string, Shape>>& params) {
  for (const auto& [slot, shape] : params) {
    node.params[slot] = {.tensor = cat(node.name, ".", slot), .shape = shape};
  }
  return node;
}

/// A node without params, of the op and from the inputs.
Node plain(std::string name, std::string op, std::vector<NodeId> inputs) {
  return {.name = std::move(name), .op = std::move(op), .inputs = std::move(inputs)};
}

std::map<std::string, Attr> pool_attrs(const PoolSpec& spec) {
  std::map<std::string, Attr> attrs = {{"kernel_shape", Ints(2, spec.kernel)}};
  if (spec.stride != 1) attrs["strides"] = Ints(2, spec.stride);
  if (spec.padding != 0) attrs["pads"] = Ints(4, spec.padding);
  return attrs;
}

}  // namespace

Builder::Builder(std::string network, const Options& options, const Normalization& normalization)
    : graph_(std::move(network)),
      options_(options),
      normalization_(normalization),
      halvings_to_skip_(is_small() ? 2 : 0) {
  Shape shape = {1};
  shape.insert(shape.end(), options.input.begin(), options.input.end());
  append({.name = "input", .op = "Input", .attrs = {{"shape", shape}}});
}

int64_t Builder::width(int64_t base) const {
  return std::max<int64_t>(1, std::llround(static_cast<double>(base) * options_.width));
}

void Builder::require_image(int64_t side) const {
  const Shape& image = options_.input;
  if (image.size() != 3 || image[1] < side || image[2] < side) {
    throw Error(cat("network '",
                    graph_.name(),
                    "' needs images [C, H, W] of at least ",
                    side,
                    "x",
                    side,
                    " pixels, got ",
                    format_shape(image)));
  }
}

int64_t Builder::halve() {
  if (halvings_to_skip_ == 0) return 2;
  --halvings_to_skip_;
  return 1;
}

NodeId Builder::conv(std::string name, NodeId x, const ConvSpec& spec) {
  const auto [height, width] = spec.kernel;
  Node node = plain(std::move(name), "Conv", {x});
  const int64_t top = spec.padding.value_or((height - 1) / 2);
  const int64_t left = spec.padding.value_or((width - 1) / 2);
  const Ints pads = {top, left, top, left};
  if (pads != Ints(4, 0)) node.attrs["pads"] = pads;
  if (spec.stride != 1) node.attrs["strides"] = Ints(2, spec.stride);
  if (spec.groups != 1) node.attrs["group"] = Ints{spec.groups};
  const Shape weight = {spec.out, shape(x)[1] / spec.groups, height, width};
  std::vector<std::pair<std::string, Shape>> params = {{"weight", weight}};
  if (spec.bias) params.push_back({"bias", {spec.out}});
  return append(with_params(std::move(node), params));
}

NodeId Builder::double_size(std::string name, NodeId x, int64_t out) {
  Node node = plain(std::move(name), "ConvTranspose", {x});
  node.attrs["strides"] = Ints(2, 2);
  return append(
      with_params(std::move(node), {{"weight", {channels(x), out, 2, 2}}, {"bias", {out}}}));
}

NodeId Builder::batch_norm(std::string name, NodeId x) {
  const Shape channels = {shape(x)[1]};
  Node node = plain(std::move(name), "BatchNormalization", {x});
  constexpr Normalization kDefault;
  const auto& [epsilon, momentum] = normalization_;
  if (epsilon != kDefault.epsilon) node.attrs["epsilon"] = std::vector<double>{epsilon};
  if (momentum != kDefault.momentum) node.attrs["momentum"] = std::vector<double>{momentum};
  return append(with_params(std::move(node),
                            {{"weight", channels},
                             {"bias", channels},
                             {"running_mean", channels},
                             {"running_var", channels}}));
}

NodeId Builder::relu(std::string name, NodeId x) {
  return append(plain(std::move(name), "Relu", {x}));
}

NodeId Builder::add(std::string name, NodeId a, NodeId b) {
  return append(plain(std::move(name), "Add", {a, b}));
}

NodeId Builder::multiply(std::string name, NodeId a, NodeId b) {
  return append(plain(std::move(name), "Mul", {a, b}));
}

NodeId Builder::sigmoid(std::string name, NodeId x) {
  return append(plain(std::move(name), "Sigmoid", {x}));
}

NodeId Builder::concat(std::string name, std::vector<NodeId> parts) {
  return append({.name = std::move(name),
                 .op = "Concat",
                 .inputs = std::move(parts),
                 .attrs = {{"axis", Ints{1}}}});
}

NodeId Builder::max_pool(std::string name, NodeId x, const PoolSpec& spec) {
  return append(
      {.name = std::move(name), .op = "MaxPool", .inputs = {x}, .attrs = pool_attrs(spec)});
}

NodeId Builder::average_pool(std::string name, NodeId x, const PoolSpec& spec) {
  Node node = {
      .name = std::move(name), .op = "AveragePool", .inputs = {x}, .attrs = pool_attrs(spec)};
  if (spec.padding != 0) node.attrs["count_include_pad"] = Ints{1};
  return append(std::move(node));
}

NodeId Builder::global_average_pool(std::string name, NodeId x) {
  return append(plain(std::move(name), "GlobalAveragePool", {x}));
}

NodeId Builder::flatten(std::string name, NodeId x) {
  return append(plain(std::move(name), "Flatten", {x}));
}

NodeId Builder::dropout(std::string name, NodeId x, double ratio) {
  Node node = plain(std::move(name), "Dropout", {x});
  node.attrs["ratio"] = std::vector<double>{ratio};
  return append(std::move(node));
}

NodeId Builder::activate(std::string name, NodeId x, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return relu(std::move(name), x);
    case Activation::kRelu6: {
      Node node = plain(std::move(name), "Clip", {x});
      node.attrs = {{"min", std::vector<double>{0}}, {"max", std::vector<double>{6}}};
      return append(std::move(node));
    }
    case Activation::kHardSwish:
      return append(plain(std::move(name), "HardSwish", {x}));
    case Activation::kSilu: {
      const NodeId gate = sigmoid(name + ".sigmoid", x);
      return multiply(std::move(name), x, gate);
    }
  }
  MORPH_CHECK(false);
}

NodeId Builder::conv_norm(const std::string& name,
                          NodeId x,
                          const ConvSpec& spec,
                          Activation activation) {
  x = batch_norm(name + ".1", conv(name + ".0", x, spec));
  return activate(name + ".2", x, activation);
}

NodeId Builder::dense(std::string name, NodeId x, int64_t out) {
  return append(with_params({.name = std::move(name), .op = "Gemm", .inputs = {x}},
                            {{"weight", {out, shape(x).back()}}, {"bias", {out}}}));
}

NodeId Builder::dense_without_bias(std::string name, NodeId x, int64_t out) {
  return append(with_params({.name = std::move(name), .op = "Gemm", .inputs = {x}},
                            {{"weight", {out, shape(x).back()}}}));
}

NodeId Builder::pooled(NodeId x) { return flatten("flatten", global_average_pool("avgpool", x)); }

Graph Builder::classify(NodeId x) { return finish(dense("fc", pooled(x), options_.classes)); }

Graph Builder::finish(NodeId output) {
  graph_.set_outputs({output});
  return infer_shapes(graph_);
}

NodeId Builder::append(Node node) {
  std::vector<Shape> inputs;
  for (const NodeId input : node.inputs) inputs.push_back(shape(input));
  node.shape = op_def(node.op).infer_shape(node, inputs);
  return graph_.add(std::move(node));
}

}  // namespace morph::zoo
