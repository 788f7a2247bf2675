#include "morph/cost/memory.h"

#include <map>
#include <string>

#include "charges.h"
#include "graph_text.h"
#include "net_a.h"
#include <gtest/gtest.h>

namespace morph {
namespace {

double memory_of(const Graph& graph, const char* node, const CostOptions& options = {}) {
  const auto costs =
      node_costs(graph, find_channel_groups(graph), *make_cost_model("memory", options));
  return costs[index(graph.find(node).value())];
}

constexpr CostOptions kBytes{.element_bytes = 1};
constexpr CostOptions kOriginal{.element_bytes = 1, .compat = Compat::kMorphNet};

Graph after_image(const std::string& nodes) {
  return graph_of("x = Input() shape=[1, 4, 8, 8]\n" + nodes + "return y\n");
}

TEST(Memory, ReadsInputWeightsAndBiasAndWritesTheOutput) {
  const Graph graph = after_image("y = Conv(x; weight=[5, 4, 3, 3], bias=[5])\n");
  EXPECT_EQ(memory_of(graph, "y"), 4 * (256 + 180 + 5 + 180));
  EXPECT_EQ(memory_of(graph, "x"), 0);
}

TEST(Memory, BatchMultipliesValuesAndElementSizeEverything) {
  const Graph graph = after_image("y = Conv(x; weight=[5, 4, 3, 3], bias=[5])\n");
  EXPECT_EQ(memory_of(graph, "y", {.batch_size = 10, .element_bytes = 2}),
            2 * (10 * (256 + 180) + 180 + 5));
}

TEST(Memory, GroupedWeightsAreThoseThatThereAre) {
  const Graph graph = after_image("y = Conv(x; weight=[6, 2, 1, 1]) group=2\n");
  EXPECT_EQ(memory_of(graph, "y", kBytes), 256 + 12 + 384);
}

TEST(Memory, NormalizationReadsFourNumbersAChannel) {
  const Graph graph = after_image(
      "y = BatchNormalization(x; weight=[4], bias=[4], running_mean=[4], running_var=[4])\n");
  EXPECT_EQ(memory_of(graph, "y", kBytes), 256 + 256 + 16);
}

TEST(Memory, ElementwiseAndPools) {
  EXPECT_EQ(memory_of(after_image("y = Relu(x)\n"), "y", kBytes), 512);
  EXPECT_EQ(memory_of(after_image("y = Sigmoid(x)\n"), "y", kBytes), 512);
  EXPECT_EQ(
      memory_of(after_image("y = MaxPool(x) kernel_shape=[2, 2] strides=[2, 2]\n"), "y", kBytes),
      256 + 64);
  EXPECT_EQ(memory_of(after_image("y = GlobalAveragePool(x)\n"), "y", kBytes), 256 + 4);
  EXPECT_EQ(memory_of(after_image("y = Transpose(x) perm=[0, 2, 3, 1]\n"), "y", kBytes), 512);
}

TEST(Memory, EveryInputIsReadInItsOwnSize) {
  EXPECT_EQ(memory_of(after_image("y = Add(x, x)\n"), "y", kBytes), 3 * 256);
  EXPECT_EQ(memory_of(after_image("y = Concat(x, x, x) axis=1\n"), "y", kBytes), 6 * 256);
  EXPECT_EQ(memory_of(after_image("mean = GlobalAveragePool(x)\ny = Mul(x, mean)\n"), "y", kBytes),
            256 + 4 + 256);
}

TEST(Memory, APartIsAllThatASliceReads) {
  const Graph graph = after_image("y = Slice(x) starts=1 ends=3 axes=1\n");
  EXPECT_EQ(memory_of(graph, "y", kBytes), 128 + 128);
}

TEST(Memory, ChannelsMayLieOnAnyAxis) {
  const Graph graph = after_image("last = Transpose(x) perm=[0, 2, 3, 1]\ny = Relu(last)\n");
  EXPECT_EQ(memory_of(graph, "y", kBytes), 512);
}

TEST(Memory, ViewsMoveNothing) {
  for (const char* view : {"Flatten(x)", "Reshape(x) shape=[0, 8, 32]", "Identity(x)"}) {
    EXPECT_EQ(memory_of(after_image(std::string("y = ") + view + "\n"), "y"), 0) << view;
  }
}

TEST(Memory, DenseLayerReadsAFlattenedMapOnce) {
  const Graph graph = after_image("flat = Flatten(x)\ny = Gemm(flat; weight=[3, 256], bias=[3])\n");
  EXPECT_EQ(memory_of(graph, "y", kBytes), 256 + 768 + 3 + 3);
  // A channel of the image is 64 features.
  const CostTable table = table_of(graph, *make_cost_model("memory", kBytes));
  EXPECT_EQ(table.total({3, 2}), 192 + 192 * 2 + 2 + 2);
}

TEST(Memory, SharedWeightsAreReadByEachReader) {
  const Graph graph = after_image(
      "a = Conv(x; weight=[4, 4, 1, 1] @ w)\n"
      "y = Conv(a; weight=[4, 4, 1, 1] @ w)\n");
  EXPECT_EQ(memory_of(graph, "a", kBytes), 528);
  EXPECT_EQ(memory_of(graph, "y", kBytes), 528);
}

TEST(Memory, InputsOfAnAdditionDieByTheirOwnChannels) {
  // Each of b's channels is in one place of the broadcast, a's in 64.
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[4, 3, 1, 1])
b = Conv(x; weight=[1, 3, 1, 1])
y = Add(a, b)
z = Conv(y; weight=[2, 4, 1, 1])
return z
)");
  const CostTable table = table_of(graph, *make_cost_model("memory", kBytes));
  const Charges got = charges(graph, table, {3, 3, 1, 2}, {0, 1, 0, 0});
  EXPECT_EQ(got.cost.at("y"), 3 * 64 + 64 + 3 * 64);
  EXPECT_EQ(got.term.at("y"), 128);
}

TEST(Memory, ConstantsAreReadOnceForAllExamples) {
  const Graph graph = after_image(
      "scale = Constant(; value=[1, 4, 1, 1])\n"
      "y = Mul(x, scale)\n");
  EXPECT_EQ(memory_of(graph, "y", {.batch_size = 10, .element_bytes = 1}), 10 * 512 + 4);
  EXPECT_EQ(memory_of(graph, "scale"), 0);
}

TEST(ProductOfValues, CostsArithmeticByTheChannelsThatItSumsOverOrMakes) {
  // Attention of 6 tokens with 4 channels a head: scores, then values by scores.
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 6, 5]
q = Gemm(x; weight=[4, 5])
k = Gemm(x; weight=[4, 5])
v = Gemm(x; weight=[3, 5])
kt = Transpose(k) perm=[0, 2, 1]
scores = MatMul(q, kt)
attended = MatMul(scores, v)
y = Gemm(attended; weight=[2, 3])
return y
)");
  const CostTable flops = table_of(graph, *make_cost_model("flops"));
  const CostTable bytes = table_of(graph, *make_cost_model("memory", kBytes));
  const ChannelGroups groups = find_channel_groups(graph);
  const ChannelBlocks blocks = find_channel_blocks(graph, groups);
  std::vector<double> alive;
  for (const auto& sets : blocks.sets) alive.push_back(static_cast<double>(sets.size()));
  const auto width = [&](const char* node) -> double& {
    const ChannelId set = groups.made_by(graph.find(node).value())[0];
    return alive[static_cast<size_t>(blocks.block_of[static_cast<size_t>(set)])];
  };
  width("q") = 3;
  width("v") = 2;
  const std::vector<double> none(alive.size(), 0);
  const Charges work = charges(graph, flops, alive, none);
  EXPECT_EQ(work.cost.at("scores"), 2 * 6 * 6 * 3);
  EXPECT_EQ(work.cost.at("attended"), 2 * 6 * 6 * 2);
  const Charges moved = charges(graph, bytes, alive, none);
  EXPECT_EQ(moved.cost.at("scores"), 18 + 18 + 36);
  EXPECT_EQ(moved.cost.at("attended"), 36 + 12 + 12);
  for (const char* cost : {"activations", "channels", "params", "weights"}) {
    const auto costs = node_costs(graph, groups, *make_cost_model(cost));
    EXPECT_EQ(costs[index(graph.find("scores").value())], 0) << cost;
  }
}

TEST(Memory, WhatHasNoLivingOutputIsFreeByDefaultOnly) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[4, 3, 1, 1])
b = Conv(a; weight=[5, 4, 1, 1])
y = Conv(b; weight=[2, 5, 1, 1])
return y
)");
  const std::vector<double> alive = {3, 4, 0, 2};
  const Charges ours =
      charges(graph, table_of(graph, *make_cost_model("memory", kBytes)), alive, {0, 1, 1, 0});
  EXPECT_EQ(ours.cost.at("b"), 0);
  EXPECT_EQ(ours.term.at("b"), 64 + 4);  // To live again, but nothing for reading a.
  const Charges theirs =
      charges(graph, table_of(graph, *make_cost_model("memory", kOriginal)), alive, {0, 1, 1, 0});
  EXPECT_EQ(theirs.cost.at("b"), 256);
  EXPECT_EQ(theirs.term.at("b"), 64 + 64 + 4);
}

// The original's list of ops.

TEST(MemoryOfTheOriginal, ChargesNoBiasNoPoolAndNoParamsOfNormalization) {
  EXPECT_EQ(memory_of(after_image("y = Conv(x; weight=[5, 4, 1, 1], bias=[5])\n"), "y", kOriginal),
            256 + 20 + 320);
  EXPECT_EQ(
      memory_of(after_image("y = MaxPool(x) kernel_shape=[2, 2] strides=[2, 2]\n"), "y", kOriginal),
      0);
  EXPECT_EQ(memory_of(after_image("y = Sigmoid(x)\n"), "y", kOriginal), 0);
  EXPECT_EQ(memory_of(after_image("y = Clip(x) min=0.0 max=6.0\n"), "y", kOriginal), 512);
  EXPECT_EQ(memory_of(after_image("y = Clip(x) min=0.0 max=1.0\n"), "y", kOriginal), 0);
  EXPECT_EQ(memory_of(after_image("y = BatchNormalization(x; weight=[4], bias=[4], "
                                  "running_mean=[4], running_var=[4])\n"),
                      "y",
                      kOriginal),
            512);
}

TEST(MemoryOfTheOriginal, ChargesEveryInputByTheChannelsOfTheFirst) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[1, 3, 1, 1])
b = Conv(x; weight=[4, 3, 1, 1])
y = Add(a, b)
return y
)");
  EXPECT_EQ(memory_of(graph, "y", kOriginal), 64 + 64 + 256);
  EXPECT_EQ(memory_of(graph, "y", kBytes), 64 + 256 + 256);
}

TEST(MemoryOfTheOriginal, LosesChannelsAtAFlattenedMap) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 3, 2, 2]
a = Conv(x; weight=[4, 3, 1, 1])
flat = Flatten(a)
relu = Relu(flat)
y = Gemm(relu; weight=[2, 16])
return y
)");
  const auto with_half = [&](const char* cost, const CostOptions& options) {
    const CostTable table = table_of(graph, *make_cost_model(cost, options));
    return charges(graph, table, {3, 2, 2}, {0, 1, 1});
  };
  EXPECT_EQ(with_half("flops", {}).cost.at("y"), 2 * 8 * 2);
  const Charges flops = with_half("flops", kOriginal);
  EXPECT_EQ(flops.cost.at("y"), 2 * 16 * 2);
  EXPECT_EQ(flops.term.at("y"), 2 * 16);
  EXPECT_EQ(with_half("weights", kOriginal).cost.at("y"), 32);
  EXPECT_EQ(with_half("memory", kOriginal).cost.at("y"), 16 + 32 + 2);
  EXPECT_EQ(with_half("memory", kOriginal).cost.at("relu"), 32);
}

TEST(MemoryOfTheOriginal, FollowsChannelsThroughAFlattenedMean) {
  const Graph graph = graph_of(kNetA);
  const CostTable table = table_of(graph, *make_cost_model("flops", kOriginal));
  const Charges got = charges(graph, table, {3, 7, 11, 10, 17, 1}, {0, 0, 0, 0, 0, 0});
  EXPECT_EQ(got.cost.at("fc"), 54);
}

// What is live at once.

std::map<std::string, double> live(const Graph& graph, const CostOptions& options = kBytes) {
  const auto costs =
      node_costs(graph, find_channel_groups(graph), *make_cost_model("activation-memory", options));
  std::map<std::string, double> by_name;
  for (const NodeId id : graph.ids()) by_name[graph[id].name] = costs[index(id)];
  return by_name;
}

TEST(ActivationMemory, FreesAValueAfterItsLastReader) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 3, 4, 4]
a = Conv(x; weight=[10, 3, 1, 1])
r = Relu(a)
b = Conv(r; weight=[2, 10, 1, 1])
c = Conv(b; weight=[10, 2, 1, 1])
sum = Add(c, a)
flat = Flatten(sum)
y = Gemm(flat; weight=[5, 160])
return y
)");
  const std::map<std::string, double> expected = {{"x", 0},
                                                  {"a", 48 + 160},
                                                  {"r", 160 + 160},
                                                  {"b", 160 + 160 + 32},
                                                  {"c", 160 + 32 + 160},
                                                  {"sum", 160 + 160 + 160},
                                                  {"flat", 0},
                                                  {"y", 160 + 5}};
  EXPECT_EQ(live(graph), expected);
  const auto peak = make_cost_model("activation-memory");
  EXPECT_EQ(network_cost(graph, *peak), 4 * 480);
  const auto batch = make_cost_model("activation-memory", {.batch_size = 8, .element_bytes = 2});
  EXPECT_EQ(network_cost(graph, *batch), 8 * 2 * 480);
}

TEST(ActivationMemory, KeepsOutputsToTheEnd) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 3, 4, 4]
a = Conv(x; weight=[10, 3, 1, 1])
view = Identity(a)
b = Conv(x; weight=[2, 3, 1, 1])
return view, b
)");
  EXPECT_EQ(live(graph).at("b"), 48 + 160 + 32);
}

TEST(ActivationMemory, ChargesChannelsOfTheDearestMomentAlone) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 3, 4, 4]
a = Conv(x; weight=[4, 3, 1, 1])
b = Conv(a; weight=[6, 4, 1, 1])
y = Conv(b; weight=[1, 6, 1, 1])
return y
)");
  const CostTable table = table_of(graph, *make_cost_model("activation-memory", kBytes));
  // Blocks: the image, a, b, y. While b runs, a and b live; while a runs, the image and a.
  EXPECT_EQ(table.total({3, 4, 6, 1}), 160);
  EXPECT_EQ(table.prices({3, 4, 6, 1}), (std::vector<double>{0, 16, 16, 0}));
  EXPECT_EQ(table.total({3, 4, 2, 1}), 112);
  EXPECT_EQ(table.prices({3, 4, 2, 1}), (std::vector<double>{16, 16, 0, 0}));
}

}  // namespace
}  // namespace morph
