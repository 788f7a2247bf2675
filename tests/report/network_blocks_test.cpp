#include "morph/report/network_blocks.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace morph {
namespace {

using ::testing::ElementsAre;

using Graph = std::vector<OperatorFigures>;

OperatorFigures op(const std::string& name, const std::string& op, std::vector<int64_t> inputs) {
  return {.name = name,
          .op = op,
          .inputs = std::move(inputs),
          .seed_width = 8,
          .learned_width = 8,
          .has_weights = op == "Conv" || op == "Gemm"};
}

/// A stem, a residual block and a classifier.
Graph residual() {
  return {op("input", "Input", {}),
          op("conv1", "Conv", {0}),
          op("bn1", "BatchNormalization", {1}),
          op("relu1", "Relu", {2}),
          op("layer1.0.conv1", "Conv", {3}),
          op("layer1.0.bn1", "BatchNormalization", {4}),
          op("layer1.0.relu1", "Relu", {5}),
          op("layer1.0.conv2", "Conv", {6}),
          op("layer1.0.bn2", "BatchNormalization", {7}),
          op("layer1.0.add", "Add", {8, 3}),
          op("layer1.0.relu2", "Relu", {9}),
          op("pool", "GlobalAveragePool", {10}),
          op("fc", "Gemm", {11})};
}

void remove(Graph& graph, const std::vector<size_t>& gone) {
  for (const size_t i : gone) {
    graph[i].removed = true;
    graph[i].learned_width = 0;
  }
}

std::vector<std::string> heads(const Graph& graph) {
  std::vector<std::string> names;
  for (const NetworkBox& box : network_boxes(graph)) names.push_back(graph[box.head].name);
  return names;
}

std::vector<Fate> fates(const Graph& graph) {
  std::vector<Fate> all;
  for (const NetworkBox& box : network_boxes(graph)) all.push_back(box.fate);
  return all;
}

TEST(NetworkBoxes, ALayerTakesWhatFollowsItIntoItsBox) {
  const Graph graph = residual();
  EXPECT_THAT(
      heads(graph),
      ElementsAre(
          "input", "conv1", "layer1.0.conv1", "layer1.0.conv2", "layer1.0.add", "pool", "fc"));
  const std::vector<NetworkBox> boxes = network_boxes(graph);
  EXPECT_THAT(boxes[1].operators, ElementsAre(1, 2, 3));
  EXPECT_THAT(boxes[4].operators, ElementsAre(9, 10));
  EXPECT_THAT(boxes[4].inputs, ElementsAre(3, 1));
}

TEST(NetworkBoxes, ALayerNamesTheBoxThatPreactivationBegan) {
  const Graph graph = {op("input", "Input", {}),
                       op("bn", "BatchNormalization", {0}),
                       op("relu", "Relu", {1}),
                       op("conv", "Conv", {2}),
                       op("next", "Conv", {3})};
  EXPECT_THAT(heads(graph), ElementsAre("input", "conv", "next"));
}

TEST(NetworkBoxes, ASumOfAValueWithItselfHasOneInput) {
  const Graph graph = {op("conv", "Conv", {}), op("add", "Add", {0, 0})};
  EXPECT_THAT(network_boxes(graph)[1].inputs, ElementsAre(0));
}

TEST(NetworkBoxes, ABranchThatDiedLeavesItsSumBypassed) {
  Graph graph = residual();
  remove(graph, {4, 5, 6, 7, 8, 9});
  EXPECT_THAT(fates(graph),
              ElementsAre(Fate::kKept,
                          Fate::kKept,
                          Fate::kRemoved,
                          Fate::kRemoved,
                          Fate::kBypassed,
                          Fate::kKept,
                          Fate::kKept));
}

TEST(NetworkBoxes, ASumOfTwoDeadBranchesIsRemoved) {
  Graph graph = {op("input", "Input", {}),
                 op("a", "Conv", {0}),
                 op("b", "Conv", {0}),
                 op("add", "Add", {1, 2})};
  remove(graph, {1, 2, 3});
  EXPECT_THAT(fates(graph),
              ElementsAre(Fate::kKept, Fate::kRemoved, Fate::kRemoved, Fate::kRemoved));
}

TEST(NetworkBlocks, BeginAndEndWhereEverythingPassesThroughOneBox) {
  const Graph graph = residual();
  const std::vector<NetworkBox> boxes = network_boxes(graph);
  const std::vector<NetworkBlock> blocks = network_blocks(graph, boxes);
  ASSERT_EQ(blocks.size(), 3U);
  EXPECT_EQ(std::make_pair(blocks[0].first, blocks[0].count), std::make_pair(0UL, 2UL));
  EXPECT_EQ(std::make_pair(blocks[1].first, blocks[1].count), std::make_pair(2UL, 3UL));
  EXPECT_EQ(std::make_pair(blocks[2].first, blocks[2].count), std::make_pair(5UL, 2UL));
  EXPECT_EQ(blocks[0].name, "");
  EXPECT_EQ(blocks[1].name, "layer1.0");
}

TEST(NetworkBlocks, LongChainsAreCutAndSoAreThoseOfOtherNames) {
  Graph graph = {op("features.0", "Conv", {})};
  for (int64_t i = 1; i < 14; ++i)
    graph.push_back(op("features." + std::to_string(i), "Conv", {i - 1}));
  graph.push_back(op("classifier.0", "Gemm", {13}));
  std::vector<size_t> counts;
  std::vector<std::string> names;
  for (const NetworkBlock& block : network_blocks(graph, network_boxes(graph))) {
    counts.push_back(block.count);
    names.push_back(block.name);
  }
  EXPECT_THAT(counts, ElementsAre(10, 4, 1));
  EXPECT_THAT(names, ElementsAre("features", "features", "classifier"));
}

TEST(NetworkBlocks, NamesOfOnnxFilesHaveTheirPartsBetweenSlashes) {
  EXPECT_EQ(dotted_name("/layer1/layer1.0/conv1/Conv"), "layer1.layer1.0.conv1.Conv");
  EXPECT_EQ(dotted_name("/"), ".");
  const Graph graph = {op("/a/b/conv1/Conv", "Conv", {}), op("/a/b/conv2/Conv", "Conv", {0})};
  const std::vector<NetworkBlock> blocks = network_blocks(graph, network_boxes(graph));
  ASSERT_EQ(blocks.size(), 1U);
  EXPECT_EQ(blocks[0].name, "a.b");
}

TEST(NetworkBlocks, ASkipFromEndToEndIsOneBlock) {
  const Graph graph = {op("a", "Conv", {}),
                       op("b", "Conv", {0}),
                       op("c", "Conv", {1}),
                       op("d", "Concat", {2, 1}),
                       op("e", "Concat", {3, 0})};
  const std::vector<NetworkBlock> blocks = network_blocks(graph, network_boxes(graph));
  ASSERT_EQ(blocks.size(), 2U);
  EXPECT_EQ(blocks[1].count, 4U);
}

}  // namespace
}  // namespace morph
