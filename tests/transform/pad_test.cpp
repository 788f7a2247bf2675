#include "morph/transform/pad.h"

#include "graph_text.h"
#include "random_graph.h"
#include <gtest/gtest.h>

namespace morph {
namespace {

using Positions = std::vector<int64_t>;

TEST(PadChannels, AddsChannelsBehindEachLayersOwn) {
  const auto padded = pad_channels(graph_of(R"(
x = Input() shape=[1, 4, 2, 1]
a = Conv(x; weight=[3, 4, 1, 1])
b = Conv(x; weight=[4, 4, 1, 1])
c = Concat(a, b) axis=1
f = Flatten(c)
y = Gemm(f; weight=[2, 14])
return y
)"),
                                   4);
  ASSERT_TRUE(padded.has_value());
  const Graph& graph = padded->graph;
  EXPECT_EQ(graph[*graph.find("a")].shape, (Shape{1, 4, 2, 1}));
  EXPECT_EQ(graph[*graph.find("y")].params.at("weight").shape, (Shape{2, 16}));
  EXPECT_EQ(padded->back.at("a.weight").keep[0], (Positions{0, 1, 2}));
  EXPECT_EQ(padded->back.at("y.weight").keep[1],
            (Positions{0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15}));
}

TEST(PadChannels, IsForNetworksThatBarelyGrow) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 8, 4, 4]
a = Conv(x; weight=[3, 8, 3, 3])
y = Conv(a; weight=[8, 3, 1, 1])
return y
)");
  EXPECT_FALSE(pad_channels(graph, 1).has_value());
  EXPECT_FALSE(pad_channels(graph, 3).has_value());
  EXPECT_TRUE(pad_channels(graph, 6).has_value());
  EXPECT_FALSE(pad_channels(graph, 8).has_value());
}

TEST(PadChannels, LeavesAloneWhatIsPinned) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 8, 4, 4]
a = Conv(x; weight=[12, 8, 3, 3])
n = LayerNormalization(a; weight=[12, 2, 2], bias=[12, 2, 2]) axis=1
y = Conv(n; weight=[8, 12, 1, 1])
return y
)");
  EXPECT_FALSE(pad_channels(graph, 8).has_value());
}

class PaddedRandomGraphs : public ::testing::TestWithParam<uint64_t> {};

TEST_P(PaddedRandomGraphs, HoldEveryOldTensor) {
  int64_t count = 0;
  for (uint64_t seed = GetParam(); seed < GetParam() + 50; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = random_graph(seed);
    const auto padded = pad_channels(graph, 3);
    if (!padded) continue;
    ++count;
    for (const Node& node : graph.nodes()) {
      for (const auto& [slot, param] : node.params) {
        const Slice& slice = padded->back.at(param.tensor);
        const Shape& wide = padded->graph[*padded->graph.find(node.name)].params.at(slot).shape;
        for (size_t axis = 0; axis < slice.keep.size(); ++axis) {
          const auto& kept = slice.keep[axis];
          EXPECT_EQ(kept ? static_cast<int64_t>(kept->size()) : wide[axis], param.shape[axis]);
          EXPECT_LT(kept ? kept->back() : 0, wide[axis]);
        }
      }
    }
  }
  EXPECT_GT(count, 20);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PaddedRandomGraphs, ::testing::Range<uint64_t>(0, 500, 50));

}  // namespace
}  // namespace morph
