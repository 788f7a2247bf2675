#include "morph/transform/shrink.h"

#include "expect_error.h"
#include "graph_text.h"
#include "random_graph.h"
#include <gtest/gtest.h>

#include "morph/cost/network_cost.h"
#include "morph/ir/verify.h"

namespace morph {
namespace {

/// `graph` without the channels that `dead` names: layer and positions.
Rewrite without(const Graph& graph, const std::map<std::string, std::vector<size_t>>& dead) {
  const ChannelGroups groups = find_channel_groups(graph);
  std::vector<bool> alive(static_cast<size_t>(groups.set_count()), true);
  for (const auto& [layer, positions] : dead) {
    for (const size_t i : positions) {
      alive[static_cast<size_t>(groups.made_by(*graph.find(layer))[i])] = false;
    }
  }
  return shrink(graph, groups, alive);
}

/// Expects the shrunk graph to be `after`, and shrinking it with everything alive to change
/// nothing.
void expect_shrinks_to(const Rewrite& rewrite, std::string_view after) {
  EXPECT_EQ(print_graph(rewrite.graph), print_graph(graph_of(after)));
  const ChannelGroups groups = find_channel_groups(rewrite.graph);
  const std::vector<bool> all(static_cast<size_t>(groups.set_count()), true);
  EXPECT_EQ(shrink(rewrite.graph, groups, all).graph, rewrite.graph);
}

constexpr const char* kResidual = R"(
x = Input() shape=[1, 3, 8, 8]
stem = Conv(x; weight=[4, 3, 1, 1])
a = Conv(stem; weight=[5, 4, 3, 3]) pads=[1, 1, 1, 1]
ra = Relu(a)
b = Conv(ra; weight=[4, 5, 1, 1])
sum = Add(b, stem)
pool = GlobalAveragePool(sum)
flat = Flatten(pool)
fc = Gemm(flat; weight=[2, 4], bias=[2])
return fc
)";

TEST(Shrink, TiedLayersLoseTheSameChannelAndTheSliceSaysWhich) {
  const Rewrite rewrite = without(graph_of(kResidual), {{"stem", {1}}, {"a", {0, 4}}});
  expect_shrinks_to(rewrite, R"(
x = Input() shape=[1, 3, 8, 8]
stem = Conv(x; weight=[3, 3, 1, 1])
a = Conv(stem; weight=[3, 3, 3, 3]) pads=[1, 1, 1, 1]
ra = Relu(a)
b = Conv(ra; weight=[3, 3, 1, 1])
sum = Add(b, stem)
pool = GlobalAveragePool(sum)
flat = Flatten(pool)
fc = Gemm(flat; weight=[2, 3], bias=[2])
return fc
)");
  using Keep = std::vector<int64_t>;
  const Slice& b = rewrite.plan.at("b.weight");
  EXPECT_EQ(b.keep[0], (Keep{0, 2, 3}));
  EXPECT_EQ(b.keep[1], (Keep{1, 2, 3}));
  EXPECT_EQ(b.keep[2], std::nullopt);
  EXPECT_EQ(rewrite.plan.at("fc.weight").keep[1], (Keep{0, 2, 3}));
  EXPECT_EQ(rewrite.plan.at("fc.bias").keep[0], std::nullopt);
  EXPECT_TRUE(rewrite.removed.empty());
}

TEST(Shrink, ResidualBlockWithoutInnerChannelsBecomesItsSkip) {
  const Rewrite rewrite = without(graph_of(kResidual), {{"a", {0, 1, 2, 3, 4}}});
  expect_shrinks_to(rewrite, R"(
x = Input() shape=[1, 3, 8, 8]
stem = Conv(x; weight=[4, 3, 1, 1])
pool = GlobalAveragePool(stem)
flat = Flatten(pool)
fc = Gemm(flat; weight=[2, 4], bias=[2])
return fc
)");
  EXPECT_EQ(rewrite.removed, (std::vector<std::string>{"a", "ra", "b", "sum"}));
}

TEST(Shrink, ProjectionBlockKeepsItsProjection) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[5, 3, 3, 3]) pads=[1, 1, 1, 1] strides=[2, 2]
b = Conv(a; weight=[4, 5, 1, 1])
skip = Conv(x; weight=[4, 3, 1, 1]) strides=[2, 2]
sum = Add(b, skip)
return sum
)");
  expect_shrinks_to(without(graph, {{"a", {0, 1, 2, 3, 4}}}), R"(
x = Input() shape=[1, 3, 8, 8]
skip = Conv(x; weight=[4, 3, 1, 1]) strides=[2, 2]
sum = Identity(skip)
return sum
)");
}

constexpr const char* kTowers = R"(
x = Input() shape=[1, 3, 8, 8]
a1 = Conv(x; weight=[2, 3, 1, 1])
a2 = Conv(a1; weight=[3, 2, 1, 1])
b = Conv(x; weight=[4, 3, 1, 1])
cat = Concat(a2, b) axis=1
out = Conv(cat; weight=[2, 7, 1, 1])
return out
)";

TEST(Shrink, DeadTowerLeavesItsConcatAndItsColumns) {
  const Rewrite rewrite = without(graph_of(kTowers), {{"a1", {0, 1}}});
  expect_shrinks_to(rewrite, R"(
x = Input() shape=[1, 3, 8, 8]
b = Conv(x; weight=[4, 3, 1, 1])
out = Conv(b; weight=[2, 4, 1, 1])
return out
)");
  EXPECT_EQ(rewrite.plan.at("out.weight").keep[1], (std::vector<int64_t>{3, 4, 5, 6}));
}

TEST(Shrink, RefusesToCutTheNetworkThroughAndNamesWhatDied) {
  EXPECT_ERROR(without(graph_of(kTowers), {{"a1", {0, 1}}, {"b", {0, 1, 2, 3}}}),
               "the network would be cut through: no path from an input to its output 'out' is "
               "left once 'a1', 'b' have no channels");
}

TEST(Shrink, RefusesToLoseAnInputWhoseChannelsOthersNeed) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 3, 8, 8]
a1 = Conv(x; weight=[2, 3, 1, 1])
a2 = Conv(a1; weight=[3, 2, 1, 1])
b = Conv(x; weight=[4, 3, 1, 1])
ab = Concat(a2, b) axis=1
c = Conv(x; weight=[7, 3, 1, 1])
sum = Add(ab, c)
out = Conv(sum; weight=[2, 7, 1, 1])
return out
)");
  EXPECT_ERROR(without(graph, {{"a1", {0, 1}}}), "[ab: Concat] loses a whole input");
}

TEST(Shrink, RewritesSliceBoundsReshapeTargetsAndGroupCounts) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 3, 4, 4]
a = Conv(x; weight=[6, 3, 1, 1])
left = Slice(a) axes=1 ends=2 starts=0
right = Slice(a) axes=1 ends=6 starts=2
dw = Conv(right; weight=[8, 1, 3, 3]) group=4 pads=[1, 1, 1, 1]
cat = Concat(left, dw) axis=1
flat = Reshape(cat) shape=[0, 160]
fc = Gemm(flat; weight=[2, 160])
return fc
)");
  const Rewrite rewrite = without(graph, {{"a", {1, 3}}});
  expect_shrinks_to(rewrite, R"(
x = Input() shape=[1, 3, 4, 4]
a = Conv(x; weight=[4, 3, 1, 1])
left = Slice(a) axes=1 ends=1 starts=0
right = Slice(a) axes=1 ends=4 starts=1
dw = Conv(right; weight=[6, 1, 3, 3]) group=3 pads=[1, 1, 1, 1]
cat = Concat(left, dw) axis=1
flat = Reshape(cat) shape=[0, 112]
fc = Gemm(flat; weight=[2, 112])
return fc
)");
  EXPECT_EQ(rewrite.plan.at("dw.weight").keep[0], (std::vector<int64_t>{0, 1, 4, 5, 6, 7}));
  EXPECT_EQ(rewrite.plan.at("fc.weight").keep[1]->front(), 0);
  EXPECT_EQ(rewrite.plan.at("fc.weight").keep[1]->at(16), 32);
}

TEST(Shrink, ShuffledAndGroupedChannelsStayInStep) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 4, 4, 4]
a = Conv(x; weight=[6, 4, 1, 1])
g = Reshape(a) shape=[0, 2, 3, 4, 4]
t = Transpose(g) perm=[0, 2, 1, 3, 4]
s = Reshape(t) shape=[0, 6, 4, 4]
b = Conv(s; weight=[2, 6, 1, 1])
return b
)");
  const Rewrite rewrite = without(graph, {{"a", {1}}});
  expect_shrinks_to(rewrite, R"(
x = Input() shape=[1, 4, 4, 4]
a = Conv(x; weight=[4, 4, 1, 1])
g = Reshape(a) shape=[0, 2, 2, 4, 4]
t = Transpose(g) perm=[0, 2, 1, 3, 4]
s = Reshape(t) shape=[0, 4, 4, 4]
b = Conv(s; weight=[2, 4, 1, 1])
return b
)");
  EXPECT_EQ(rewrite.plan.at("a.weight").keep[0], (std::vector<int64_t>{0, 2, 3, 5}));
  // Before the cut, position i of s is channel (i % 2) · 3 + i / 2 of a; channel 1 is at 2, 4 at 3.
  EXPECT_EQ(rewrite.plan.at("b.weight").keep[1], (std::vector<int64_t>{0, 1, 4, 5}));
}

class RandomGraphs : public ::testing::TestWithParam<uint64_t> {};

TEST_P(RandomGraphs, ShrinkKeepsTheGraphValidAndNeverCostsMore) {
  for (uint64_t seed = GetParam(); seed < GetParam() + 50; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = random_graph(seed);
    const ChannelGroups groups = find_channel_groups(graph);
    const std::vector<bool> all(static_cast<size_t>(groups.set_count()), true);
    ASSERT_EQ(shrink(graph, groups, all).graph, graph);
    Graph shrunk;
    try {
      shrunk = shrink(graph, groups, random_alive(graph, groups, seed)).graph;
    } catch (const Error&) {
      continue;  // This choice of channels leaves no network; the message has tests of its own.
    }
    verify(shrunk);
    EXPECT_EQ(infer_shapes(parse_graph(print_graph(shrunk))), shrunk);
    std::vector<std::string> costs = cost_model_names();
    costs.push_back("latency:V100");
    for (const std::string& cost : costs) {
      const auto model = make_cost_model(cost);
      EXPECT_LE(network_cost(shrunk, *model), network_cost(graph, *model)) << cost;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraphs, ::testing::Values(0, 50, 100, 150, 200, 250));

}  // namespace
}  // namespace morph
