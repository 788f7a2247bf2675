#include "random_graph.h"

#include <array>
#include <map>
#include <string>
#include <utility>

#include "morph/analysis/shapes.h"
#include "morph/base/error.h"
#include "morph/ops/op_def.h"

namespace morph {
namespace {

using Ints = std::vector<int64_t>;

/// Grows a network node by node.
class Grower {
 public:
  explicit Grower(uint64_t seed) : graph_(cat("random", seed)), random_(seed) {
    const int64_t channels = 1 + random_.below(3);
    append({.name = "input", .op = "Input", .attrs = {{"shape", Ints{1, channels, 8, 8}}}});
  }

  Graph run() {
    NodeId x = layer(NodeId{0}, 4 + random_.below(5));
    const int64_t blocks = 3 + random_.below(5);
    for (int64_t i = 0; i < blocks; ++i) x = block(x);
    head(x);
    return infer_shapes(graph_);
  }

 private:
  NodeId append(Node node) {
    std::vector<Shape> inputs;
    for (const NodeId input : node.inputs) inputs.push_back(graph_[input].shape);
    node.shape = op_def(node.op).infer_shape(node, inputs);
    return graph_.add(std::move(node));
  }

  std::string fresh(const char* stem) { return cat(stem, count_++); }

  NodeId op(const char* kind, std::vector<NodeId> inputs, std::map<std::string, Attr> attrs = {}) {
    return append({.name = fresh(kind), .op = kind, .inputs = std::move(inputs), .attrs = attrs});
  }

  const Shape& shape(NodeId id) const { return graph_[id].shape; }
  int64_t channels(NodeId id) const { return shape(id)[1]; }

  struct ConvShape {
    int64_t out;
    int64_t kernel;
    int64_t groups = 1;
  };

  NodeId conv(NodeId x, const ConvShape& spec) {
    const std::string name = fresh("conv");
    std::map<std::string, Param> params = {
        {"weight",
         {name + ".weight", {spec.out, channels(x) / spec.groups, spec.kernel, spec.kernel}}}};
    if (random_.chance(0.4)) params["bias"] = {name + ".bias", {spec.out}};
    std::map<std::string, Attr> attrs;
    const int64_t pad = random_.chance(0.8) || shape(x)[2] < 5 ? spec.kernel / 2 : 0;
    if (pad > 0) attrs["pads"] = Ints(4, pad);
    if (spec.groups > 1) attrs["group"] = Ints{spec.groups};
    return append({.name = name, .op = "Conv", .inputs = {x}, .attrs = attrs, .params = params});
  }

  NodeId batch_norm(NodeId x) {
    const std::string name = fresh("bn");
    std::map<std::string, Param> params;
    for (const char* slot : {"weight", "bias", "running_mean", "running_var"}) {
      params[slot] = {cat(name, ".", slot), {channels(x)}};
    }
    return append({.name = name, .op = "BatchNormalization", .inputs = {x}, .params = params});
  }

  NodeId activation(NodeId x) {
    constexpr std::array kKinds = {"Relu",
                                   "Relu",
                                   "Sigmoid",
                                   "HardSwish",
                                   "LeakyRelu",
                                   "Tanh",
                                   "Gelu",
                                   "Elu",
                                   "Softplus",
                                   "Mish",
                                   "Softsign",
                                   "Cos"};
    if (random_.chance(0.1)) return parametric_relu(x);
    return op(kKinds[static_cast<size_t>(random_.below(kKinds.size()))], {x});
  }

  NodeId dressed(NodeId x) {
    if (random_.chance(0.75)) x = batch_norm(x);
    return random_.chance(0.8) ? activation(x) : x;
  }

  int64_t kernel() { return random_.chance(0.5) ? 3 : 1; }

  NodeId layer(NodeId x, int64_t out) { return dressed(conv(x, {.out = out, .kernel = kernel()})); }

  /// A layer that keeps height and width.
  NodeId same_size_layer(NodeId x, int64_t out) {
    return dressed(conv(x, {.out = out, .kernel = 1}));
  }

  int64_t width() { return 2 + random_.below(7); }

  NodeId block(NodeId x) {
    if (random_.chance(0.5)) return newer_block(x);
    switch (random_.below(10)) {
      case 0:
        return residual(x);
      case 1:
        return towers(x);
      case 2:
        return split(x);
      case 3:
        return grouped(x);
      case 4:
        return depthwise(x);
      case 5:
        return shuffle(x);
      case 6:
        return squeeze_excite(x);
      case 7:
        return dense(x);
      case 8:
        return nhwc_island(x);
      default:
        return random_.chance(0.5) ? pool(x) : layer(x, width());
    }
  }

  NodeId newer_block(NodeId x) {
    switch (random_.below(14)) {
      case 0:
        return transposed(x);
      case 1:
        return gated_linear_unit(x);
      case 2:
        return pixel_shuffle(x);
      case 3:
        return scaled_and_shifted(x);
      case 4:
        return normalized(x);
      case 5:
        return channels_last_block(x);
      case 6:
        return attention(x);
      case 7:
        return spatial_attention(x);
      case 8:
        return split_attention(x);
      case 9:
        return permuted(x);
      case 10:
        return resized(x);
      case 11:
        return flat_squeeze_excite(x);
      case 12:
        return combined(x);
      default:
        return space_to_depth(x);
    }
  }

  NodeId parameter(const Shape& shape, const char* kind = "Parameter") {
    const std::string name = fresh("param");
    return append({.name = name, .op = kind, .params = {{"value", {name + ".value", shape}}}});
  }

  NodeId with_params(const char* kind,
                     NodeId x,
                     const std::map<std::string, Shape>& shapes,
                     std::map<std::string, Attr> attrs = {}) {
    const std::string name = fresh(kind);
    std::map<std::string, Param> params;
    for (const auto& [slot, shape] : shapes) params[slot] = {cat(name, ".", slot), shape};
    return append(
        {.name = name, .op = kind, .inputs = {x}, .attrs = std::move(attrs), .params = params});
  }

  NodeId parametric_relu(NodeId x) {
    Shape slope(shape(x).size() - 1, 1);
    if (random_.chance(0.5)) slope[0] = channels(x);
    return with_params("PRelu", x, {{"slope", slope}});
  }

  NodeId transposed(NodeId x) {
    const bool doubles = shape(x)[2] <= 4;
    const int64_t kernel = doubles ? 2 : 3;
    std::map<std::string, Attr> attrs = {{"strides", doubles ? Ints{2, 2} : Ints{1, 1}},
                                         {"pads", doubles ? Ints(4, 0) : Ints(4, 1)}};
    const int64_t groups = random_.chance(0.3)                           ? channels(x)
                           : channels(x) % 2 == 0 && random_.chance(0.5) ? 2
                                                                         : 1;
    attrs["group"] = Ints{groups};
    const int64_t out = groups == channels(x) ? 1 + random_.below(2) : width();
    std::map<std::string, Shape> params = {{"weight", {channels(x), out, kernel, kernel}}};
    if (random_.chance(0.5)) params["bias"] = {out * groups};
    return dressed(with_params("ConvTranspose", x, params, attrs));
  }

  NodeId gated_linear_unit(NodeId x) {
    const int64_t half = width();
    const NodeId both = conv(x, {.out = 2 * half, .kernel = 1});
    return op("Mul", {slice(both, 0, half), op("Sigmoid", {slice(both, half, 2 * half)})});
  }

  NodeId pixel_shuffle(NodeId x) {
    if (shape(x)[2] > 4) return activation(x);
    const NodeId wide = same_size_layer(x, 4 * (1 + random_.below(3)));
    const std::map<std::string, Attr> attrs = {{"blocksize", Ints{2}},
                                               {"mode", random_.chance(0.5) ? "DCR" : "CRD"}};
    if (random_.chance(0.5)) return op("DepthToSpace", {wide}, attrs);
    const Shape old = shape(wide);
    const NodeId split =
        op("Reshape", {wide}, {{"shape", Ints{0, old[1] / 4, 2, 2, old[2], old[3]}}});
    const NodeId swapped = op("Transpose", {split}, {{"perm", Ints{0, 1, 4, 2, 5, 3}}});
    const NodeId merged =
        op("Reshape", {swapped}, {{"shape", Ints{0, old[1] / 4, 2 * old[2], 2 * old[3]}}});
    return same_size_layer(merged, width());
  }

  NodeId space_to_depth(NodeId x) {
    if (shape(x)[2] % 2 != 0 || shape(x)[3] % 2 != 0 || shape(x)[2] < 4) return activation(x);
    return op("SpaceToDepth", {x}, {{"blocksize", Ints{2}}});
  }

  NodeId scaled_and_shifted(NodeId x) {
    x = op("Mul", {x, parameter({1, channels(x), 1, 1})});
    x = op("Sub", {parameter({1, 1, shape(x)[2], shape(x)[3]}), x});
    return op("Sum", {x, parameter(shape(x), "Constant")});
  }

  NodeId normalized(NodeId x) {
    const int64_t groups = 1 + random_.below(3);
    const NodeId wide = same_size_layer(x, groups * 2);
    const Shape old = shape(wide);
    if (random_.chance(0.4)) {
      return with_params("InstanceNormalization", wide, {{"weight", {old[1]}}, {"bias", {old[1]}}});
    }
    if (random_.chance(0.5)) {
      return with_params("GroupNormalization",
                         wide,
                         {{"weight", {old[1]}}, {"bias", {old[1]}}},
                         {{"num_groups", Ints{groups}}});
    }
    const NodeId apart = op("Reshape", {wide}, {{"shape", Ints{0, groups, -1}}});
    const NodeId even =
        with_params("InstanceNormalization", apart, {{"weight", {groups}}, {"bias", {groups}}});
    return op("Reshape", {even}, {{"shape", Ints{0, old[1], old[2], old[3]}}});
  }

  NodeId dense_last(NodeId x, int64_t out) {
    return with_params("MatMul", x, {{"weight", {shape(x).back(), out}}});
  }

  /// As in ConvNeXt: a perceptron over the channels of every position, in NHWC.
  NodeId channels_last_block(NodeId x) {
    const int64_t features = channels(x);
    NodeId inner = op("Transpose", {x}, {{"perm", Ints{0, 2, 3, 1}}});
    if (random_.chance(0.3)) {
      inner =
          with_params("LayerNormalization", inner, {{"weight", {features}}, {"bias", {features}}});
    }
    inner = op("Add", {dense_last(inner, 2 * width()), parameter({1, 1, 1, 1})});
    inner = dense_last(op("Gelu", {inner}), features);
    inner = op("Mul", {inner, parameter({1, 1, 1, features})});
    return op("Add", {op("Transpose", {inner}, {{"perm", Ints{0, 3, 1, 2}}}), x});
  }

  /// Tokens [N, T, C] read as [N, heads, T, d], or [N, heads, d, T].
  NodeId heads(NodeId x, int64_t count, const Ints& perm) {
    const int64_t size = shape(x)[2] / count;
    const NodeId split = op("Reshape", {x}, {{"shape", Ints{0, shape(x)[1], count, size}}});
    return op("Transpose", {split}, {{"perm", perm}});
  }

  NodeId attention(NodeId x) {
    const Shape old = shape(x);
    const int64_t count = 1 + random_.below(2);
    const NodeId rows = op("Reshape", {x}, {{"shape", Ints{0, old[1], -1}}});
    NodeId tokens = op("Transpose", {rows}, {{"perm", Ints{0, 2, 1}}});
    tokens = op("Add", {tokens, parameter({1, old[2] * old[3], old[1]})});
    const int64_t inner = count * width();
    const NodeId query = heads(dense_last(tokens, inner), count, {0, 2, 1, 3});
    const NodeId key = heads(dense_last(tokens, inner), count, {0, 2, 3, 1});
    const NodeId value = heads(dense_last(tokens, count * width()), count, {0, 2, 1, 3});
    const NodeId scores = op("Softmax", {op("MatMul", {query, key})}, {{"axis", Ints{-1}}});
    const NodeId mixed =
        op("Transpose", {op("MatMul", {scores, value})}, {{"perm", Ints{0, 2, 1, 3}}});
    const NodeId flat = op("Reshape", {mixed}, {{"shape", Ints{0, old[2] * old[3], -1}}});
    const NodeId out = op("Transpose", {dense_last(flat, old[1])}, {{"perm", Ints{0, 2, 1}}});
    return op("Add", {op("Reshape", {out}, {{"shape", Ints{0, old[1], old[2], old[3]}}}), x});
  }

  NodeId spatial_attention(NodeId x) {
    constexpr std::array kKinds = {"ReduceSum", "ReduceL2", "ReduceMean", "ReduceMax"};
    const auto kind = static_cast<size_t>(random_.below(kKinds.size()));
    NodeId map = op("Sigmoid", {op(kKinds[kind], {x}, {{"axes", Ints{1}}})});
    const std::array<int64_t, 2> size = {shape(x)[2], shape(x)[3]};
    if (random_.chance(0.3)) {
      map = op("Expand", {map}, {{"shape", Ints{1, channels(x), size[0], size[1]}}});
    } else if (random_.chance(0.3)) {
      map = op("Tile", {map}, {{"repeats", Ints{1, channels(x), 1, 1}}});
    }
    return op(random_.chance(0.5) ? "Mul" : "Max", {x, map});
  }

  NodeId split_attention(NodeId x) {
    const NodeId wide = same_size_layer(x, 2 * width());
    const Shape old = shape(wide);
    const NodeId halves =
        op("Reshape", {wide}, {{"shape", Ints{0, 2, old[1] / 2, old[2], old[3]}}});
    const char* kind = random_.chance(0.5) ? "ReduceSum" : "ReduceMean";
    return op(kind, {halves}, {{"axes", Ints{1}}, {"keepdims", Ints{0}}});
  }

  NodeId permuted(NodeId x) {
    Ints indices;
    for (int64_t i = 0; i < channels(x); ++i) {
      indices.insert(indices.begin() + random_.below(i + 1), i);
    }
    if (random_.chance(0.7)) {
      return op("Gather", {x}, {{"axis", Ints{1}}, {"indices", indices}});
    }
    return channels(x) > 8 ? x : op("Tile", {x}, {{"repeats", Ints{1, 2, 1, 1}}});
  }

  NodeId resized(NodeId x) {
    const int64_t size = shape(x)[2] <= 4 ? 2 * shape(x)[2] : shape(x)[2] - 1;
    constexpr std::array kModes = {"nearest", "linear", "cubic"};
    const char* mode = kModes[static_cast<size_t>(random_.below(kModes.size()))];
    return op("Resize", {x}, {{"sizes", Ints{1, channels(x), size, size}}, {"mode", mode}});
  }

  NodeId flat_squeeze_excite(NodeId x) {
    const NodeId mean =
        op("ReduceMean", {x}, {{"axes", Ints{2, 3}}, {"keepdims", Ints{random_.below(2)}}});
    const NodeId flat =
        shape(mean).size() == 2 ? mean : op("Squeeze", {mean}, {{"axes", Ints{2, 3}}});
    const NodeId gate = op("Sigmoid", {gemm(op("Relu", {gemm(flat, width())}), channels(x))});
    return op("Mul", {x, op("Unsqueeze", {gate}, {{"axes", Ints{2, 3}}})});
  }

  NodeId combined(NodeId x) {
    constexpr std::array kKinds = {"Max", "Min", "Mean", "Sub"};
    const auto kind = static_cast<size_t>(random_.below(kKinds.size()));
    return op(kKinds[kind], {same_size_layer(x, channels(x)), x});
  }

  NodeId residual(NodeId x) {
    const NodeId inner = same_size_layer(x, width());
    const NodeId sum = op("Add", {same_size_layer(inner, channels(x)), x});
    return random_.chance(0.5) ? activation(sum) : sum;
  }

  NodeId towers(NodeId x) {
    std::vector<NodeId> parts;
    const int64_t count = 2 + random_.below(2);
    for (int64_t i = 0; i < count; ++i) {
      const NodeId tower = same_size_layer(x, width());
      parts.push_back(random_.chance(0.5) ? same_size_layer(tower, width()) : tower);
    }
    return op("Concat", parts, {{"axis", Ints{1}}});
  }

  NodeId slice(NodeId x, int64_t begin, int64_t end) {
    return op("Slice", {x}, {{"starts", Ints{begin}}, {"ends", Ints{end}}, {"axes", Ints{1}}});
  }

  NodeId split(NodeId x) {
    if (channels(x) < 2) return layer(x, width());
    const int64_t cut = 1 + random_.below(channels(x) - 1);
    const NodeId left = slice(x, 0, cut);
    const NodeId right = slice(x, cut, channels(x));
    if (channels(left) == channels(right)) return op("Mul", {left, op("Sigmoid", {right})});
    return op("Concat", {same_size_layer(left, width()), right}, {{"axis", Ints{1}}});
  }

  NodeId grouped(NodeId x) {
    const NodeId wide = same_size_layer(x, 2 * width());
    const int64_t groups = channels(wide) % 3 == 0 && random_.chance(0.5) ? 3 : 2;
    return dressed(conv(wide, {.out = groups * width(), .kernel = 3, .groups = groups}));
  }

  NodeId depthwise(NodeId x) {
    const int64_t multiplier = 1 + random_.below(2);
    return dressed(conv(x, {.out = multiplier * channels(x), .kernel = 3, .groups = channels(x)}));
  }

  NodeId shuffle(NodeId x) {
    const NodeId wide = same_size_layer(x, 2 * width());
    const Shape old = shape(wide);
    const NodeId halves =
        op("Reshape", {wide}, {{"shape", Ints{0, 2, old[1] / 2, old[2], old[3]}}});
    const NodeId swapped = op("Transpose", {halves}, {{"perm", Ints{0, 2, 1, 3, 4}}});
    return op("Reshape", {swapped}, {{"shape", Ints{0, -1, old[2], old[3]}}});
  }

  NodeId squeeze_excite(NodeId x) {
    const NodeId squeezed = same_size_layer(op("GlobalAveragePool", {x}), width());
    const NodeId gate = conv(squeezed, {.out = channels(x), .kernel = 1});
    return op("Mul", {x, op("Sigmoid", {gate})});
  }

  NodeId dense(NodeId x) {
    return op("Concat", {x, same_size_layer(x, width())}, {{"axis", Ints{1}}});
  }

  NodeId nhwc_island(NodeId x) {
    const NodeId inside = activation(op("Transpose", {x}, {{"perm", Ints{0, 2, 3, 1}}}));
    return op("Transpose", {inside}, {{"perm", Ints{0, 3, 1, 2}}});
  }

  NodeId pool(NodeId x) {
    if (shape(x)[2] < 4) return activation(x);
    return op(random_.chance(0.5) ? "MaxPool" : "AveragePool",
              {x},
              {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
  }

  NodeId gemm(NodeId x, int64_t out) {
    const std::string name = fresh("fc");
    return append({.name = name,
                   .op = "Gemm",
                   .inputs = {x},
                   .params = {{"weight", {name + ".weight", {out, channels(x)}}},
                              {"bias", {name + ".bias", {out}}}}});
  }

  void head(NodeId x) {
    if (random_.chance(0.5)) x = op("GlobalAveragePool", {x});
    x = op("Flatten", {x});
    if (random_.chance(0.5)) x = activation(batch_norm(gemm(x, width())));
    graph_.set_outputs({gemm(x, 3)});
  }

  Graph graph_;
  Random random_;
  int64_t count_ = 0;
};

}  // namespace

Graph random_graph(uint64_t seed) { return Grower(seed).run(); }

std::vector<bool> random_alive(const Graph& graph, const ChannelGroups& groups, uint64_t seed) {
  Random random(mix_seeds(seed, graph.nodes().size()));
  std::vector<bool> alive(static_cast<size_t>(groups.set_count()), true);
  for (const ChannelGroup& group : groups.groups()) {
    const double kept = random.chance(0.08) ? 0 : 0.4 + 0.6 * random.uniform();
    for (const ChannelId set : group.sets) {
      if (!groups.pinned(set)) alive[static_cast<size_t>(set)] = random.chance(kept);
    }
  }
  return alive;
}

}  // namespace morph
