#include <string>
#include <vector>

#include "expect_error.h"
#include "graph_text.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "morph/analysis/planned_widths.h"
#include "morph/transform/resize.h"

namespace morph {
namespace {

/// The network that a file of alive counts makes of another.
Graph rebuilt(const char* body, const AliveCounts& counts, const WidthOptions& options = {}) {
  const Graph graph = graph_of(body);
  const PlannedWidths plan = plan_widths(graph, nlohmann::json(counts), options);
  return resize_channels(graph, plan.groups, plan.copies).graph;
}

Shape shape_of(const Graph& graph, const char* name) {
  return graph[graph.find(name).value()].shape;
}

/// Two convolutions on one image, each an output of its own.
constexpr const char* kPair = R"(
x = Input() shape=[1, 3, 4, 4]
first = Conv(x; weight=[7, 3, 3, 3])
second = Conv(x; weight=[7, 3, 1, 1])
return first, second
)";

TEST(Rebuilding, GoldenC1WidthsComeFromTheFile) {
  const Graph narrow = rebuilt(kPair, {{"first/Conv2D", 3}});
  EXPECT_EQ(shape_of(narrow, "first"), (Shape{1, 3, 2, 2}));
  EXPECT_EQ(shape_of(narrow, "second"), (Shape{1, 7, 4, 4}));
  const Graph wide = rebuilt(kPair, {{"second/Conv2D", 13}});
  EXPECT_EQ(shape_of(wide, "first"), (Shape{1, 7, 2, 2}));
  EXPECT_EQ(shape_of(wide, "second"), (Shape{1, 13, 4, 4}));
  const Graph both = rebuilt(kPair, {{"first/Conv2D", 9}, {"second/Conv2D", 5}});
  EXPECT_EQ(shape_of(both, "first"), (Shape{1, 9, 2, 2}));
  EXPECT_EQ(shape_of(both, "second"), (Shape{1, 5, 4, 4}));
}

TEST(Rebuilding, GoldenC8RecordEqualsTheFile) {
  const AliveCounts counts = {{"first", 3}, {"second", 13}};
  const Graph graph = rebuilt(kPair, counts);
  for (const auto& [name, count] : counts) {
    EXPECT_EQ(graph[graph.find(name).value()].params.at("weight").shape[0], count);
  }
}

/// A tower whose result is added to one of another.
constexpr const char* kTower = R"(
x = Input() shape=[1, 3, 8, 8]
trunk = Conv(x; weight=[5, 3, 1, 1])
first = Conv(x; weight=[12, 3, 1, 1])
pool = MaxPool(first) kernel_shape=[3, 3] pads=[1, 1, 1, 1]
norm = BatchNormalization(pool; weight=[12], bias=[12], running_mean=[12], running_var=[12])
second = Conv(norm; weight=[3, 12, 1, 1])
all = Concat(trunk, second) axis=1
head = Conv(all; weight=[2, 8, 1, 1])
return head
)";

TEST(Rebuilding, GoldenC3TowerVanishesWithAnyOfItsLayers) {
  for (const AliveCounts& counts : {AliveCounts{{"first", 0}},
                                    AliveCounts{{"second", 0}},
                                    AliveCounts{{"first", 0}, {"second", 0}}}) {
    const Graph graph = rebuilt(kTower, counts);
    for (const char* name : {"first", "second", "all"}) EXPECT_FALSE(graph.find(name)) << name;
    EXPECT_EQ(shape_of(graph, "trunk"), (Shape{1, 5, 8, 8}));
    EXPECT_EQ(graph[graph.find("head").value()].params.at("weight").shape, (Shape{2, 5, 1, 1}));
  }
}

TEST(Rebuilding, GoldenC4ConcatAndAddDropWhatVanished) {
  const char* sum = R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[3, 3, 1, 1])
inner = Conv(x; weight=[4, 3, 1, 1])
b = Conv(inner; weight=[3, 4, 1, 1])
c = Conv(x; weight=[3, 3, 1, 1])
sum = Add(a, b, c)
head = Conv(sum; weight=[2, 3, 1, 1])
return head
)";
  const Graph graph = rebuilt(sum, {{"inner", 0}});
  EXPECT_EQ(graph[graph.find("sum").value()].inputs.size(), 2U);
  EXPECT_FALSE(graph.find("b"));
  EXPECT_ERROR(rebuilt(sum, {{"a", 0}, {"b", 0}, {"c", 0}}), "the network would be cut through");
  EXPECT_ERROR(rebuilt(kTower, {{"trunk", 0}, {"second", 0}}), "the network would be cut through");
}

TEST(Rebuilding, GoldenC5StrictRefusesAndZeroRemovesWhatIsMissing) {
  EXPECT_ERROR(rebuilt(kPair, {{"first", 3}}, {.missing = MissingLayers::kRefuse}),
               "the structure does not name the layer 'second'");
  EXPECT_NO_THROW(
      rebuilt(kPair, {{"first", 3}, {"second", 3}}, {.missing = MissingLayers::kRefuse}));
  const Graph graph =
      rebuilt(kTower, {{"trunk", 5}, {"head", 2}}, {.missing = MissingLayers::kZero});
  EXPECT_FALSE(graph.find("first"));
  EXPECT_FALSE(graph.find("second"));
}

TEST(Rebuilding, GoldenC7PoolingAndBatchNormalizationVanishWithTheirInput) {
  const Graph graph = rebuilt(kTower, {{"first", 0}});
  EXPECT_FALSE(graph.find("pool"));
  EXPECT_FALSE(graph.find("norm"));
}

/// ResNet v2's bottleneck unit of the original's test: depth 64, inner width 16.
constexpr const char* kBottleneck = R"(
x = Input() shape=[1, 5, 16, 16]
pre = BatchNormalization(x; weight=[5], bias=[5], running_mean=[5], running_var=[5])
shortcut = Conv(pre; weight=[64, 5, 1, 1])
conv1 = Conv(pre; weight=[16, 5, 1, 1])
conv2 = Conv(conv1; weight=[16, 16, 3, 3]) pads=[1, 1, 1, 1]
conv3 = Conv(conv2; weight=[64, 16, 1, 1])
sum = Add(shortcut, conv3)
return sum
)";

TEST(Rebuilding, GoldenC10BottleneckHasFourLayersToDecide) {
  const Graph graph = graph_of(kBottleneck);
  const AliveCounts counts = alive_counts(graph, find_channel_groups(graph), {});
  EXPECT_EQ(counts,
            (AliveCounts{{"conv1/Conv2D", 16},
                         {"conv2/Conv2D", 16},
                         {"conv3/Conv2D", 64},
                         {"shortcut/Conv2D", 64}}));
  const Graph same = rebuilt(kBottleneck, counts, {.missing = MissingLayers::kRefuse});
  EXPECT_EQ(same, graph);
  const Graph identity = rebuilt(kBottleneck, {{"conv1", 0}, {"conv3", 64}});
  EXPECT_FALSE(identity.find("conv3"));  // As MorphNet's learned ResNet-50 loses whole blocks.
  EXPECT_EQ(shape_of(identity, "sum"), (Shape{1, 64, 16, 16}));
}

TEST(Rebuilding, GoldenC12KeepFirstLeavesAChannelWhereTheFileSaysNone) {
  const char* body = R"(
x = Input() shape=[1, 3, 8, 8]
conv = Conv(x; weight=[4, 3, 3, 3])
depthwise = Conv(conv; weight=[4, 1, 3, 3]) group=4
sep_conv = Conv(depthwise; weight=[6, 4, 1, 1])
pool = GlobalAveragePool(sep_conv)
flat = Flatten(pool)
dense = Gemm(flat; weight=[5, 6], bias=[5])
return dense
)";
  const AliveCounts counts = {
      {"conv/Conv2D", 1}, {"sep_conv/separable_conv2d", 0}, {"dense/MatMul", 3}};
  const Graph graph = rebuilt(body, counts, {.keep_first = true});
  EXPECT_EQ(shape_of(graph, "dense"), (Shape{1, 3}));
  EXPECT_EQ(shape_of(graph, "sep_conv")[1], 1);
  EXPECT_EQ(shape_of(graph, "depthwise")[1], 1);
  EXPECT_ERROR(rebuilt(body, counts), "the network would be cut through");
}

TEST(Rebuilding, GoldenC13CommonPrefixGoesOnce) {
  const Graph graph = rebuilt(kPair, {{"morphnet/first/Conv2D", 3}, {"morphnet/second/Conv2D", 3}});
  EXPECT_EQ(shape_of(graph, "first")[1], 3);
  EXPECT_ERROR(rebuilt(kPair, {{"multiple/common/prefixes/first/Conv2D", 3}}),
               "the structure names 'multiple/common/prefixes/first/Conv2D'");
}

}  // namespace
}  // namespace morph
