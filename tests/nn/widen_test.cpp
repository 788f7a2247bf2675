#include "morph/nn/widen.h"

#include <set>

#include "nn/run_text.h"
#include <gtest/gtest.h>

#include "morph/analysis/channel_groups.h"
#include "morph/cost/network_cost.h"
#include "morph/transform/expand.h"
#include "morph/transform/resize.h"
#include "morph/zoo/zoo.h"

namespace morph {
namespace {

/// Each channel of a layer taken so many times.
Rewrite with_copies(const Graph& graph,
                    const char* layer,
                    const std::vector<int64_t>& copies_of_channels) {
  const ChannelGroups groups = find_channel_groups(graph);
  std::vector<int64_t> copies(static_cast<size_t>(groups.set_count()), 1);
  const std::vector<ChannelId>& made = groups.made_by(graph.find(layer).value());
  for (size_t i = 0; i < made.size(); ++i) {
    copies[static_cast<size_t>(made[i])] = copies_of_channels.at(i);
  }
  return resize_channels(graph, groups, copies);
}

TEST(WidenParams, CopiesWhatMakesAChannelAndSharesWhatReadsIt) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 1, 1, 1]
a = Conv(x; weight=[2, 1, 1, 1], bias=[2])
r = Relu(a)
b = Conv(r; weight=[2, 2, 1, 1])
return b
)");
  const Params params = {{"a.weight", doubles({2, 1, 1, 1}, {3, 5})},
                         {"a.bias", doubles({2}, {.5, -.5})},
                         {"b.weight", doubles({2, 2, 1, 1}, {10, 20, 30, 40})}};
  const Widened wide = widen_params(graph, params, with_copies(graph, "a", {3, 1}), 1);
  EXPECT_EQ(values(wide.params.at("a.weight")), (std::vector<double>{3, 3, 3, 5}));
  EXPECT_EQ(values(wide.params.at("a.bias")), (std::vector<double>{.5, .5, .5, -.5}));
  const std::vector<double> b = values(wide.params.at("b.weight"));
  ASSERT_EQ(b.size(), 8U);
  EXPECT_NEAR(b[0] + b[1] + b[2], 10, 1e-12);
  EXPECT_EQ(b[3], 20);
  EXPECT_NEAR(b[4] + b[5] + b[6], 30, 1e-12);
  EXPECT_EQ(b[7], 40);
  EXPECT_LT(wide.difference, 1e-14);
}

TEST(WidenParams, CopiesAreReadUnequallySoThatTheyPart) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 1, 1, 1]
a = Conv(x; weight=[1, 1, 1, 1])
b = Conv(a; weight=[2, 1, 1, 1])
return b
)");
  const Params params = {{"a.weight", doubles({1, 1, 1, 1}, {1})},
                         {"b.weight", doubles({2, 1, 1, 1}, {1, 1})}};
  const Rewrite four = with_copies(graph, "a", {4});
  const std::vector<double> shares =
      values(widen_params(graph, params, four, 1).params["b.weight"]);
  EXPECT_EQ(std::set<double>(shares.begin(), shares.begin() + 4).size(), 4U);
  for (const double share : shares) {
    EXPECT_GT(share, .25 / 3);  // At worst half of an even one among others of half more.
    EXPECT_LT(share, .25 * 3);
  }
  EXPECT_EQ(values(widen_params(graph, params, four, 1).params["b.weight"]), shares);
  EXPECT_NE(values(widen_params(graph, params, four, 2).params["b.weight"]), shares);
}

TEST(WidenParams, AFlattenedMapIsCopiedAsAWhole) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 2, 2, 2]
a = Conv(x; weight=[3, 2, 1, 1])
flat = Flatten(a)
fc = Gemm(flat; weight=[2, 12])
return fc
)");
  Random random(7);
  const Params params = random_double_params(graph, random);
  const Rewrite wide = with_copies(graph, "a", {2, 1, 3});
  EXPECT_LT(widen_params(graph, params, wide, 1).difference, 1e-14);
}

TEST(WidenParams, ADepthwiseMultiplierIsCopiedAsAWhole) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 2, 4, 4]
a = Conv(x; weight=[3, 2, 1, 1])
dw = Conv(a; weight=[6, 1, 3, 3]) group=3 pads=[1, 1, 1, 1]
b = Conv(dw; weight=[2, 6, 1, 1])
return b
)");
  Random random(7);
  const Params params = random_double_params(graph, random);
  const Rewrite wide = with_copies(graph, "a", {2, 3, 1});
  EXPECT_LT(widen_params(graph, params, wide, 1).difference, 1e-14);
}

// A product of two activations adds up over the channels they share, each copy counting again.
TEST(WidenParams, TellsWhatCannotBeKept) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 3, 4]
q = MatMul(x; weight=[4, 5])
k = MatMul(x; weight=[4, 5])
turned = Transpose(k) perm=[0, 2, 1]
scores = MatMul(q, turned)
return scores
)");
  Random random(7);
  const Params params = random_double_params(graph, random);
  const Rewrite wide = with_copies(graph, "q", {2, 1, 1, 1, 1});
  EXPECT_GT(widen_params(graph, params, wide, 1).difference, 1e-3);
}

class WidenedZoo : public ::testing::TestWithParam<const char*> {};

TEST_P(WidenedZoo, ComputesWhatTheNarrowNetworkDoes) {
  const Graph graph = zoo::build(GetParam());
  const std::unique_ptr<CostModel> flops = make_cost_model("flops");
  const Expansion expansion = expand(graph, *flops, 2 * network_cost(graph, *flops));
  const Widened wide = widen_params(
      graph, initial_params(graph, 3), {.graph = expansion.graph, .plan = expansion.plan}, 1);
  EXPECT_GT(expansion.multiplier, 1.2);
  // float32 weights whose shares add up to 1 but for rounding, through up to 121 layers.
  EXPECT_LT(wide.difference, 2e-5);
  check_params(expansion.graph, wide.params);
}

INSTANTIATE_TEST_SUITE_P(Small,
                         WidenedZoo,
                         ::testing::Values("resnet8?width=0.5",
                                           "resnet50?width=0.125&input=3x32x32",
                                           "resnext50_32x4d?width=0.25&input=3x16x16",
                                           "resnet_v2_50?width=0.125&input=3x32x32",
                                           "densenet121?width=0.25&input=3x32x32",
                                           "inception_v2?width=0.125&input=3x32x32",
                                           "mobilenet_v2?width=0.125&input=3x16x16",
                                           "mobilenet_v3_small?width=0.25&input=3x32x32",
                                           "efficientnet_b0?width=0.25&input=3x32x32",
                                           "shufflenet_v2_x0_5?input=3x32x32",
                                           "unet?width=0.125&input=3x32x32",
                                           "vgg11_bn?width=0.125&input=3x32x32"));

}  // namespace
}  // namespace morph
