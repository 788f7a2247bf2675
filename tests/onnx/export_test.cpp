#include "morph/onnx/export.h"

#include <cmath>

#include "expect_error.h"
#include "graph_text.h"
#include "model_builder.h"
#include "random_graph.h"
#include <gtest/gtest.h>

#include "morph/ir/text.h"
#include "morph/onnx/fold_bn.h"
#include "morph/onnx/import.h"
#include "morph/zoo/zoo.h"

namespace morph::onnx {
namespace {

/// Random weights for a graph.
struct Weighted {
  Graph graph = Graph();
  std::map<std::string, Array> weights = {};
  Storage storage = {};
};

Weighted weighted(Graph graph, uint64_t seed) {
  Weighted result{.graph = std::move(graph)};
  Random random(seed);
  for (const Node& node : result.graph.nodes()) {
    for (const auto& [slot, param] : node.params) {
      std::vector<double> values(static_cast<size_t>(element_count(param.shape)));
      for (double& value : values) value = random.uniform() + (slot == "running_var" ? 0.5 : -0.5);
      result.weights[param.tensor] = {.shape = param.shape,
                                      .bytes = result.storage.keep(to_bytes(
                                          std::span<const double>(values), DataType::kFloat))};
    }
  }
  return result;
}

/// The bytes must outlive what is made of them, as those of a file do.
struct RoundTrip {
  std::string bytes = {};
  Imported network = {};
};

RoundTrip round_trip(const Graph& graph, const std::map<std::string, Array>& weights) {
  RoundTrip result{.bytes = serialize_model(export_model(graph, weights))};
  result.network = import_model(parse_model(result.bytes));
  return result;
}

TEST(Export, NetworksOfTheZooComeBackAsTheyWere) {
  for (const char* name : {"resnet20", "inception_small", "mobilenet_v2", "shufflenet_v2_x1_0"}) {
    const Weighted seed = weighted(zoo::build(name), 1);
    const RoundTrip read = round_trip(seed.graph, seed.weights);
    EXPECT_EQ(print_graph(read.network.graph), print_graph(seed.graph)) << name;
    EXPECT_EQ(read.network.weights, seed.weights) << name;
  }
}

TEST(Export, RandomNetworksComeBackTheSecondTimeAsTheFirst) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const Weighted network = weighted(random_graph(seed), seed);
    const RoundTrip first = round_trip(network.graph, network.weights);
    const RoundTrip second = round_trip(first.network.graph, first.network.weights);
    ASSERT_EQ(print_graph(second.network.graph), print_graph(first.network.graph)) << seed;
    ASSERT_EQ(second.network.weights, network.weights) << seed;
  }
}

TEST(Export, EveryNetworkOfTheZooComesBackTheSecondTimeAsTheFirst) {
  for (const zoo::Entry& entry : zoo::networks()) {
    // The weights themselves do not matter here, and the largest networks have 0.5 GB of them.
    Weighted network{.graph = zoo::build(cat(entry.name, "?width=0.125"))};
    network = weighted(network.graph, 1);
    const RoundTrip first = round_trip(network.graph, network.weights);
    const RoundTrip second = round_trip(first.network.graph, first.network.weights);
    EXPECT_EQ(print_graph(second.network.graph), print_graph(first.network.graph)) << entry.name;
    EXPECT_EQ(first.network.weights.size(), network.weights.size()) << entry.name;
    EXPECT_EQ(second.network.weights, first.network.weights) << entry.name;
  }
}

TEST(Export, FilesCutOffAtEveryThousandthByteAreRefused) {
  const Weighted seed = weighted(zoo::build("resnet20"), 1);
  const std::string bytes = serialize_model(export_model(seed.graph, seed.weights));
  for (size_t length = 0; length < bytes.size(); length += 1000) {
    EXPECT_ERROR(import_model(parse_model(std::string_view(bytes).substr(0, length))), "");
  }
}

TEST(Export, WhatWasReadIsWrittenUnderItsNames) {
  ModelBuilder builder;
  builder.input("image", {-1, 3, 8, 8})
      .weight("conv.weight", {4, 3, 3, 3})
      .weight("scale", {4, 1, 1});
  builder.node("Conv", "image conv.weight", "c", {ints_attr("pads", {1, 1, 1, 1})})
      .node("Mul", "c scale", "m")
      .node("Relu", "m", "result")
      .output("result");
  const Imported network = import_model(builder.build());
  const Model model = export_model(network.graph, network.weights);
  ASSERT_EQ(model.graph.nodes.size(), 3U);
  EXPECT_EQ(model.graph.nodes[0].name, "c_node");
  EXPECT_EQ(model.graph.nodes[0].inputs[1], "conv.weight");
  EXPECT_EQ(model.graph.nodes[1].inputs[1], "scale");
  EXPECT_EQ(model.graph.nodes[2].name, "result_node");
  EXPECT_EQ(model.graph.nodes[2].outputs[0], "result");
  EXPECT_EQ(model.graph.inputs[0].name, "image");
  EXPECT_EQ(model.graph.inputs[0].shape[0].name, "batch");
  EXPECT_EQ(model.graph.outputs[0].name, "result");
  EXPECT_EQ(model.graph.initializers.size(), 2U);
}

/// The only node of a graph "x = Input; y = ..." as it is written.
Model written(const std::string& line, const ExportOptions& options = {}) {
  const Graph graph = graph_of("x = Input() shape=[1, 4, 6, 6]\n" + line + "\nreturn y\n");
  static Storage storage;
  std::map<std::string, Array> weights = weighted(graph, 1).weights;
  for (auto& [name, array] : weights) {
    const std::vector<double> ones(static_cast<size_t>(count_elements(array.shape)), 1);
    array.bytes = storage.keep(to_bytes(std::span<const double>(ones), DataType::kFloat));
  }
  return export_model(graph, weights, options);
}

TEST(Export, ArgumentsGoWhereTheOpsetHasThem) {
  const Model old = written("y = ReduceMean(x) axes=[2, 3]", {.opset = 17});
  EXPECT_EQ(old.graph.nodes[0].inputs.size(), 1U);
  EXPECT_EQ(old.graph.nodes[0].find("axes")->ints, (Ints{2, 3}));
  EXPECT_EQ(old.ir_version, 8);
  const Model recent = written("y = ReduceMean(x) axes=[2, 3]", {.opset = 18});
  EXPECT_EQ(recent.graph.nodes[0].inputs, (std::vector<std::string>{"x", "y.axes"}));
  EXPECT_EQ(to_ints(recent.graph.initializers[0].array), (Ints{2, 3}));
  EXPECT_TRUE(recent.graph.nodes[0].attributes.empty());
  const Model clip = written("y = Clip(x) max=6.0");
  EXPECT_EQ(clip.graph.nodes[0].inputs, (std::vector<std::string>{"x", "", "y.max"}));
  EXPECT_TRUE(clip.graph.initializers[0].array.shape.empty());
}

TEST(Export, TheOpsetRisesWithTheOpsUnlessItIsStated) {
  EXPECT_EQ(written("y = Relu(x)").opsets.at(""), 17);
  EXPECT_EQ(written("y = Gelu(x)").opsets.at(""), 20);
  EXPECT_ERROR(written("y = Gelu(x)", {.opset = 17}), "[y: Gelu] opset 17 does not have this");
  EXPECT_ERROR(written("y = Relu(x)", {.opset = 12}), "opsets 13 to 25 are written, not 12");
}

TEST(Export, AReshapeKeepsTheBatchOpen) {
  const Model model = written("y = Reshape(x) shape=[1, 144]");
  EXPECT_EQ(to_ints(model.graph.initializers[0].array), (Ints{0, 144}));
}

TEST(Export, WhatHoldsTheBatchIsMadeFromIt) {
  // Sizes of a Resize and a constant that is joined to values: one for any batch with us.
  for (const char* line : {"y = Resize(x) sizes=[1, 4, 9, 3]",
                           "c = Parameter(; value=[1, 2, 6, 6])\ny = Concat(c, x) axis=1"}) {
    const Model model = written(line);
    EXPECT_EQ(model.graph.nodes[0].op_type, "Shape");
    const std::string bytes = serialize_model(model);
    const Imported read = import_model(parse_model(bytes));
    EXPECT_EQ(print_graph(read.graph).find("Shape"), std::string::npos);
    EXPECT_EQ(read.graph[read.graph.outputs()[0]].shape.size(), 4U);
  }
}

TEST(Export, SubnormalWeightsBecomeZero) {
  const Graph graph = graph_of("x = Input() shape=[1, 2]\ny = Gemm(x; weight=[2, 2])\nreturn y\n");
  const std::vector<double> values = {1e-40, 1, -1e-39, 2};
  const std::string bytes = to_bytes(std::span<const double>(values), DataType::kFloat);
  const Model model = export_model(graph, {{"y.weight", {.shape = {2, 2}, .bytes = bytes}}});
  EXPECT_EQ(to_doubles(model.graph.initializers[0].array), (std::vector<double>{0, 1, 0, 2}));
}

TEST(Export, MissingWeightsAreNamed) {
  const Graph graph = graph_of("x = Input() shape=[1, 2]\ny = Gemm(x; weight=[2, 2])\nreturn y\n");
  EXPECT_ERROR(export_model(graph, {}), "there is no weight 'y.weight'");
  EXPECT_ERROR(export_model(graph, {{"y.weight", {.shape = {2}}}}),
               "the weight 'y.weight' has shape [2], the graph says [2, 2]");
}

TEST(FoldBatchNorm, MultipliesIntoTheLayerBefore) {
  const Graph graph = graph_of(
      "x = Input() shape=[1, 1, 2, 2]\n"
      "c = Conv(x; weight=[2, 1, 1, 1])\n"
      "b = BatchNormalization(c; bias=[2], running_mean=[2], running_var=[2], weight=[2])"
      " epsilon=0.0\n"
      "y = Relu(b)\nreturn y\n");
  Storage storage;
  const auto numbers = [&](Shape shape, const std::vector<double>& values) {
    return Array{
        .shape = std::move(shape),
        .bytes = storage.keep(to_bytes(std::span<const double>(values), DataType::kFloat))};
  };
  const std::map<std::string, Array> weights = {{"c.weight", numbers({2, 1, 1, 1}, {3, 5})},
                                                {"b.weight", numbers({2}, {2, 1})},
                                                {"b.bias", numbers({2}, {10, 20})},
                                                {"b.running_mean", numbers({2}, {1, 4})},
                                                {"b.running_var", numbers({2}, {4, 16})}};
  const Folded folded = fold_batch_norm(graph, weights, storage);
  EXPECT_EQ(folded.count, 1);
  // s = 2/√4 = 1 and 1/√16 = 0.25; b' = 10 − 1·1 and 20 − 0.25·4.
  EXPECT_EQ(to_doubles(folded.weights.at("c.weight")), (std::vector<double>{3, 1.25}));
  EXPECT_EQ(to_doubles(folded.weights.at("c.bias")), (std::vector<double>{9, 19}));
  EXPECT_EQ(folded.weights.size(), 2U);
  EXPECT_EQ(folded.graph.nodes().size(), 3U);
}

TEST(FoldBatchNorm, StaysWhereTheLayerIsReadByOthers) {
  const Graph graph = graph_of(
      "x = Input() shape=[1, 1, 2, 2]\n"
      "c = Conv(x; weight=[2, 1, 1, 1])\n"
      "b = BatchNormalization(c; bias=[2], running_mean=[2], running_var=[2], weight=[2])\n"
      "y = Add(b, c)\nreturn y\n");
  Weighted network = weighted(graph, 1);
  const Folded folded = fold_batch_norm(graph, network.weights, network.storage);
  EXPECT_EQ(folded.count, 0);
  EXPECT_EQ(folded.graph, graph);
}

}  // namespace
}  // namespace morph::onnx
