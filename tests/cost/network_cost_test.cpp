#include "morph/cost/network_cost.h"

#include <algorithm>
#include <string>

#include "graph_text.h"
#include "net_a.h"
#include "random_graph.h"
#include <gtest/gtest.h>

#include "morph/transform/shrink.h"
#include "morph/zoo/zoo.h"

namespace morph {
namespace {

double cost_of(const Graph& graph, const char* cost) {
  return network_cost(graph, *make_cost_model(cost));
}

double node_cost(const Graph& graph, const char* name, const char* cost) {
  const auto costs = node_costs(graph, find_channel_groups(graph), *make_cost_model(cost));
  return costs[index(graph.find(name).value())];
}

/// All three costs of the node y in a graph.
void expect_costs(const Graph& graph, double flops, double params, double activations) {
  EXPECT_EQ(node_cost(graph, "y", "flops"), flops);
  EXPECT_EQ(node_cost(graph, "y", "params"), params);
  EXPECT_EQ(node_cost(graph, "y", "activations"), activations);
}

TEST(NodeCosts, GoldenR1Convolution) {
  // 2 · 7 · 5 · 6 · 7 FLOPs for each of 17 · 19 pairs.
  expect_costs(graph_of("x = Input() shape=[1, 17, 11, 13]\n"
                        "y = Conv(x; weight=[19, 17, 7, 5]) pads=[3, 2, 3, 2] strides=[2, 2]\n"
                        "return y\n"),
               949620,
               11305,
               798);
}

TEST(NodeCosts, BiasCostsOneParameterAChannelAndNoFlops) {
  expect_costs(graph_of("x = Input() shape=[1, 3, 4, 4]\n"
                        "y = Conv(x; weight=[5, 3, 1, 1], bias=[5])\n"
                        "return y\n"),
               480,
               20,
               80);
}

TEST(NodeCosts, GoldenR7DepthwiseConvolution) {
  expect_costs(graph_of("x = Input() shape=[1, 10, 6, 7]\n"
                        "y = Conv(x; weight=[10, 1, 3, 2]) group=10 pads=[1, 0, 1, 1]\n"
                        "return y\n"),
               5040,
               60,
               420);
}

TEST(NodeCosts, DepthwiseConvolutionWithMultiplier) {
  // 12 outputs of 3 · 3 multiply-adds at 4 · 4 pixels.
  expect_costs(graph_of("x = Input() shape=[1, 4, 4, 4]\n"
                        "y = Conv(x; weight=[12, 1, 3, 3], bias=[12]) group=4 pads=[1, 1, 1, 1]\n"
                        "return y\n"),
               3456,
               120,
               192);
}

TEST(NodeCosts, GroupsThatDoNotDivideTheCoefficientStayExact) {
  // Each of 6 outputs reads 3 channels, at 7 · 7 pixels.
  expect_costs(graph_of("x = Input() shape=[1, 9, 7, 7]\n"
                        "y = Conv(x; weight=[6, 3, 1, 1]) group=3\n"
                        "return y\n"),
               1764,
               18,
               294);
  // 77 outputs of 13 · 9 multiply-adds at 31 · 31 pixels; a seventh of one is no binary fraction.
  expect_costs(graph_of("x = Input() shape=[1, 91, 31, 31]\n"
                        "y = Conv(x; weight=[77, 13, 3, 3]) group=7 pads=[1, 1, 1, 1]\n"
                        "return y\n"),
               17315298,
               9009,
               73997);
}

TEST(NodeCosts, ConvolutionsInOneAndThreeDimensions) {
  expect_costs(graph_of("x = Input() shape=[1, 3, 10]\n"
                        "y = Conv(x; weight=[5, 3, 4])\n"
                        "return y\n"),
               840,
               60,
               35);
  // Golden R11: 70560 FLOPs for each of 17 · 10 pairs.
  const Graph video = graph_of(
      "x = Input() shape=[1, 17, 15, 12, 13]\n"
      "y = Conv(x; weight=[10, 17, 7, 5, 3]) pads=[3, 2, 1, 3, 2, 1] strides=[2, 2, 2]\n"
      "return y\n");
  EXPECT_EQ(node_cost(video, "y", "flops"), 11995200);
}

TEST(NodeCosts, GoldenR5DenseLayer) {
  expect_costs(graph_of("x = Input() shape=[1, 17]\n"
                        "y = Gemm(x; weight=[19, 17], bias=[19])\n"
                        "return y\n"),
               646,
               342,
               19);
}

TEST(NodeCosts, DenseLayerAtEveryPlace) {
  expect_costs(graph_of("x = Input() shape=[1, 6, 17]\n"
                        "y = Gemm(x; weight=[19, 17])\n"
                        "return y\n"),
               3876,
               323,
               114);
}

TEST(NodeCosts, NormalizationCostsTwoParametersAChannel) {
  expect_costs(graph_of("x = Input() shape=[1, 6, 8, 8]\n"
                        "y = BatchNormalization(x; weight=[6], bias=[6], running_mean=[6], "
                        "running_var=[6])\n"
                        "return y\n"),
               0,
               12,
               0);
}

TEST(NodeCosts, EverythingElseIsFree) {
  for (const char* node : {"Relu(x)",
                           "Softmax(x) axis=1",
                           "Add(x, x)",
                           "Mul(x, x)",
                           "Concat(x, x) axis=1",
                           "MaxPool(x) kernel_shape=[2, 2]",
                           "GlobalAveragePool(x)",
                           "Flatten(x)",
                           "Transpose(x) perm=[0, 2, 3, 1]"}) {
    SCOPED_TRACE(node);
    expect_costs(
        graph_of(std::string("x = Input() shape=[1, 4, 8, 8]\ny = ") + node + "\nreturn y\n"),
        0,
        0,
        0);
  }
}

TEST(NetworkCost, OfNetA) {
  const Graph graph = graph_of(kNetA);
  // Golden section 0: 22610, 646, 1620 and 646 FLOPs for each pair of channels.
  EXPECT_EQ(node_cost(graph, "conv1", "flops"), 22610 * 3 * 13);
  EXPECT_EQ(node_cost(graph, "conv2", "flops"), 646 * 3 * 23);
  EXPECT_EQ(node_cost(graph, "conv3", "flops"), 1620 * 36 * 29);
  EXPECT_EQ(node_cost(graph, "conv4", "flops"), 646 * 36 * 31);
  EXPECT_EQ(node_cost(graph, "fc", "flops"), 120);
  EXPECT_EQ(cost_of(graph, "flops"), 3338700);
  // 1365 + 69 + 9396 + 1116 weights, 60 of the dense layer, 2 · 96 of the normalizations.
  EXPECT_EQ(cost_of(graph, "params"), 12198);
  EXPECT_EQ(cost_of(graph, "activations"), 323 * (13 + 23 + 31) + 90 * 29 + 1);
}

TEST(NetworkCost, SharedWeightsAreCountedOnce) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 4, 8, 8]
a = Conv(x; weight=[4, 4, 3, 3] @ w, bias=[4] @ b) pads=[1, 1, 1, 1]
na = BatchNormalization(a; weight=[4] @ g, bias=[4], running_mean=[4], running_var=[4])
y = Conv(na; weight=[4, 4, 3, 3] @ w, bias=[4] @ b) pads=[1, 1, 1, 1]
ny = BatchNormalization(y; weight=[4] @ g, bias=[4], running_mean=[4], running_var=[4])
return ny
)");
  EXPECT_EQ(cost_of(graph, "params"), 144 + 4 + 4 + 4 + 4);
  EXPECT_EQ(cost_of(graph, "flops"), 2 * 2 * 144 * 64);
  EXPECT_EQ(node_cost(graph, "y", "params"), 0);
  EXPECT_EQ(node_cost(graph, "ny", "params"), 4);
}

TEST(NetworkCost, OfResnet20) {
  // FLOPs: stem 884 736, stages 28 311 552 and twice 26 214 400 with their projections, fc 1 280.
  // Parameters: 270 256 weights of convolutions, 1 568 of normalizations, 650 of fc.
  const Graph graph = zoo::build("resnet20?input=3x32x32");
  EXPECT_EQ(cost_of(graph, "flops"), 81626368);
  EXPECT_EQ(cost_of(graph, "params"), 272474);
}

/// What each row of the table costs, by the name of its node.
std::map<std::string, double> row_costs(const Graph& graph,
                                        const CostTable& table,
                                        const std::vector<double>& alive) {
  std::map<std::string, double> costs;
  for (const CostTable::Row& row : table.rows) {
    costs[graph[row.node].name] = table.cost(row, alive);
  }
  return costs;
}

TEST(CostTable, GoldenG1ToG4AliveChannelsOfNetA) {
  const Graph graph = graph_of(kNetA);
  const ChannelBlocks blocks = find_channel_blocks(graph, find_channel_groups(graph));
  ASSERT_EQ(blocks.count(), 6U);  // The image, four convolutions, the output.
  const CostTable table = make_cost_table(graph, blocks, *make_cost_model("flops"));
  const std::vector<double> alive = {3, 7, 11, 10, 17, 1};
  const std::map<std::string, double> costs = row_costs(graph, table, alive);
  EXPECT_EQ(costs.size(), 5U);
  EXPECT_EQ(costs.at("conv1"), 474810);
  EXPECT_EQ(costs.at("conv2"), 21318);
  EXPECT_EQ(costs.at("conv3"), 291600);
  EXPECT_EQ(costs.at("conv4"), 197676);
  EXPECT_EQ(costs.at("fc"), 2 * 27);
  EXPECT_EQ(table.total(alive), 985404 + 54);
}

TEST(CostTable, GoldenS1WeightsOfNetA) {
  const Graph graph = graph_of(kNetA);
  const ChannelBlocks blocks = find_channel_blocks(graph, find_channel_groups(graph));
  const CostTable table = make_cost_table(graph, blocks, *make_cost_model("params"));
  const std::map<std::string, double> costs = row_costs(graph, table, {3, 7, 11, 10, 17, 1});
  EXPECT_EQ(costs.at("conv1"), 735);
  EXPECT_EQ(costs.at("conv2"), 33);
  EXPECT_EQ(costs.at("conv3"), 1620);
  EXPECT_EQ(costs.at("conv4"), 306);
  EXPECT_EQ(costs.at("bn4"), 34);
}

TEST(CostTable, GoldenD5DepthwiseNetB) {
  const Graph graph = graph_of(R"(
image = Input() shape=[1, 3, 17, 19]
dw1 = Conv(image; weight=[3, 1, 3, 3]) group=3 pads=[1, 1, 1, 1]
conv1 = Conv(dw1; weight=[13, 3, 7, 5]) pads=[3, 2, 3, 2]
conv2 = Conv(image; weight=[23, 3, 1, 1])
dw2 = Conv(conv2; weight=[23, 1, 5, 5]) group=23 pads=[2, 2, 2, 2]
cat = Concat(conv1, dw2) axis=1
conv3 = Conv(cat; weight=[29, 36, 3, 3]) pads=[1, 1, 1, 1] strides=[2, 2]
return conv3
)");
  const ChannelBlocks blocks = find_channel_blocks(graph, find_channel_groups(graph));
  ASSERT_EQ(blocks.count(), 4U);
  const CostTable table = make_cost_table(graph, blocks, *make_cost_model("flops"));
  const std::map<std::string, double> costs = row_costs(graph, table, {3, 7, 11, 10});
  EXPECT_EQ(costs.at("dw1"), 17442);
  EXPECT_EQ(costs.at("conv1"), 474810);
  EXPECT_EQ(costs.at("conv2"), 21318);
  EXPECT_EQ(costs.at("dw2"), 177650);
  EXPECT_EQ(costs.at("conv3"), 291600);
}

TEST(CostTable, TakesTheLargestForm) {
  CostTable table;
  table.rows.push_back({.forms = {{.pair = 1}, {.per_out = 10}},
                        .in = {{.block = 0, .positions = 2}},
                        .out = {{.block = 1, .positions = 1}}});
  EXPECT_EQ(table.total({4, 3}), 30);  // Not 8 · 3.
  EXPECT_EQ(table.total({5.5, 3}), 33);
}

/// `alive` as a count for each block.
std::vector<double> block_counts(const ChannelBlocks& blocks, const std::vector<bool>& alive) {
  std::vector<double> counts(blocks.count(), 0);
  for (size_t set = 0; set < alive.size(); ++set) {
    if (alive[set]) counts[static_cast<size_t>(blocks.block_of[set])] += 1;
  }
  return counts;
}

/// Random choices, but no layer, slice or other value loses every channel.
std::vector<bool> some_of_everything(const Graph& graph,
                                     const ChannelGroups& groups,
                                     uint64_t seed) {
  std::vector<bool> alive = random_alive(graph, groups, seed);
  for (const NodeId id : graph.ids()) {
    const std::vector<ChannelId>& ids = groups.channels(id).ids;
    const auto is_alive = [&](ChannelId set) { return alive[static_cast<size_t>(set)]; };
    if (std::none_of(ids.begin(), ids.end(), is_alive)) alive[static_cast<size_t>(ids[0])] = true;
  }
  return alive;
}

/// Fractions of groups are summed in doubles: what is equal on paper may differ in the last bits,
/// by 2^-53 for each of fewer than 2^13 operations.
constexpr double kRounding = 1e-12;

class CostsOfRandomGraphs : public ::testing::TestWithParam<const char*> {};

TEST_P(CostsOfRandomGraphs, TableAgreesWithTheNetworkAndWithEveryShrunkOne) {
  const auto model = make_cost_model(GetParam());
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = random_graph(seed);
    const ChannelGroups groups = find_channel_groups(graph);
    const ChannelBlocks blocks = find_channel_blocks(graph, groups);
    const CostTable table = make_cost_table(graph, blocks, *model);
    EXPECT_GT(table.total(block_counts(blocks, std::vector<bool>(blocks.block_of.size(), true))),
              0);
    const auto expect_total = [&](const std::vector<bool>& alive, double cost) {
      EXPECT_NEAR(table.total(block_counts(blocks, alive)), cost, kRounding * cost);
    };
    expect_total(std::vector<bool>(static_cast<size_t>(groups.set_count()), true),
                 network_cost(graph, *model));
    const std::vector<bool> alive = some_of_everything(graph, groups, seed);
    expect_total(alive, network_cost(shrink(graph, groups, alive).graph, *model));
  }
}

INSTANTIATE_TEST_SUITE_P(Models,
                         CostsOfRandomGraphs,
                         ::testing::Values("flops",
                                           "params",
                                           "weights",
                                           "activations",
                                           "channels",
                                           "memory",
                                           "activation-memory",
                                           "latency:V100",
                                           "latency:peak=1,bandwidth=100"));

TEST(WithLayerCosts, FillsInTheShrunkNetworksCostsAndZeroForWhatLeft) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 3, 8, 8]
stem = Conv(x; weight=[4, 3, 1, 1])
inner = Conv(stem; weight=[5, 4, 1, 1])
outer = Conv(inner; weight=[4, 5, 1, 1])
sum = Add(outer, stem)
head = Conv(sum; weight=[2, 4, 1, 1], bias=[2])
return head
)");
  const ChannelGroups groups = find_channel_groups(graph);
  // Channel 0 of stem and all of inner go.
  std::vector<bool> alive(static_cast<size_t>(groups.set_count()), true);
  alive[static_cast<size_t>(groups.made_by(graph.find("stem").value())[0])] = false;
  for (const ChannelId set : groups.made_by(graph.find("inner").value())) {
    alive[static_cast<size_t>(set)] = false;
  }
  const Structure structure =
      with_layer_costs(make_structure(graph, groups, alive), shrink(graph, groups, alive).graph);
  using Costs = std::map<std::string, double>;
  EXPECT_EQ(structure.layers.at("stem").cost,
            (Costs{{"flops", 1152}, {"params", 9}, {"activations", 192}}));
  EXPECT_EQ(structure.layers.at("inner").cost,
            (Costs{{"flops", 0}, {"params", 0}, {"activations", 0}}));
  EXPECT_EQ(structure.layers.at("outer").cost.at("flops"), 0);
  EXPECT_EQ(structure.layers.at("head").cost,
            (Costs{{"flops", 768}, {"params", 8}, {"activations", 128}}));
}

}  // namespace
}  // namespace morph
