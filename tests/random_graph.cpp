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
    constexpr std::array kKinds = {"Relu", "Relu", "Sigmoid", "HardSwish", "LeakyRelu", "Tanh"};
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
