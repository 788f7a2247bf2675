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

std::map<std::string, Attr> pool_attrs(const PoolSpec& spec) {
  std::map<std::string, Attr> attrs = {{"kernel_shape", Ints(2, spec.kernel)}};
  if (spec.stride != 1) attrs["strides"] = Ints(2, spec.stride);
  if (spec.padding != 0) attrs["pads"] = Ints(4, spec.padding);
  return attrs;
}

}  // namespace

Builder::Builder(std::string network, const Options& options)
    : graph_(std::move(network)), options_(options) {
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

NodeId Builder::conv(std::string name, NodeId x, const ConvSpec& spec) {
  const auto [height, width] = spec.kernel;
  Node node = {.name = std::move(name), .op = "Conv", .inputs = {x}};
  const Ints pads = {(height - 1) / 2, (width - 1) / 2, (height - 1) / 2, (width - 1) / 2};
  if (pads != Ints(4, 0)) node.attrs["pads"] = pads;
  if (spec.stride != 1) node.attrs["strides"] = Ints(2, spec.stride);
  if (spec.groups != 1) node.attrs["group"] = Ints{spec.groups};
  const Shape weight = {spec.out, shape(x)[1] / spec.groups, height, width};
  return append(with_params(std::move(node), {{"weight", weight}}));
}

NodeId Builder::batch_norm(std::string name, NodeId x) {
  const Shape channels = {shape(x)[1]};
  return append(with_params({.name = std::move(name), .op = "BatchNormalization", .inputs = {x}},
                            {{"weight", channels},
                             {"bias", channels},
                             {"running_mean", channels},
                             {"running_var", channels}}));
}

NodeId Builder::relu(std::string name, NodeId x) {
  return append({.name = std::move(name), .op = "Relu", .inputs = {x}});
}

NodeId Builder::add(std::string name, NodeId a, NodeId b) {
  return append({.name = std::move(name), .op = "Add", .inputs = {a, b}});
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
  return append({.name = std::move(name), .op = "GlobalAveragePool", .inputs = {x}});
}

NodeId Builder::flatten(std::string name, NodeId x) {
  return append({.name = std::move(name), .op = "Flatten", .inputs = {x}});
}

NodeId Builder::dense(std::string name, NodeId x, int64_t out) {
  return append(with_params({.name = std::move(name), .op = "Gemm", .inputs = {x}},
                            {{"weight", {out, shape(x).back()}}, {"bias", {out}}}));
}

NodeId Builder::dense_without_bias(std::string name, NodeId x, int64_t out) {
  return append(with_params({.name = std::move(name), .op = "Gemm", .inputs = {x}},
                            {{"weight", {out, shape(x).back()}}}));
}

Graph Builder::classify(NodeId x) {
  x = global_average_pool("avgpool", x);
  x = flatten("flatten", x);
  return finish(dense("fc", x, options_.classes));
}

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
