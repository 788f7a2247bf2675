#include "morph/transform/expand.h"

#include <algorithm>

#include "expect_error.h"
#include "graph_text.h"
#include "random_graph.h"
#include <gtest/gtest.h>

#include "morph/analysis/channel_groups.h"
#include "morph/cost/network_cost.h"

namespace morph {
namespace {

constexpr const char* kChain = R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[4, 3, 3, 3])
b = Conv(a; weight=[7, 4, 1, 1])
c = Conv(b; weight=[3, 7, 1, 1])
return c
)";

int64_t width(const Graph& graph, const char* layer) {
  return graph[*graph.find(layer)].params.at("weight").shape.front();
}

TEST(ScaleWidths, RoundsToTheNearestAndLeavesPinnedLayersAlone) {
  const Graph half = scale_widths(graph_of(kChain), 0.5);
  EXPECT_EQ(width(half, "a"), 2);
  EXPECT_EQ(width(half, "b"), 4);  // 3.5
  EXPECT_EQ(width(half, "c"), 3);
  const Graph tiny = scale_widths(graph_of(kChain), 0.01);
  EXPECT_EQ(width(tiny, "a"), 1);
  const Graph wide = scale_widths(graph_of(kChain), 2.5, {.round_to = 8});
  EXPECT_EQ(width(wide, "a"), 8);   // 10
  EXPECT_EQ(width(wide, "b"), 16);  // 17.5
  EXPECT_ERROR(scale_widths(graph_of(kChain), 0), "width multiplier: expected a positive number");
}

TEST(ScaleWidths, TiedLayersGetTheSameNumber) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 1, 8, 8]
a = Conv(x; weight=[1, 1, 1, 1])
dw = Conv(a; weight=[2, 1, 3, 3]) pads=[1, 1, 1, 1]
b = Conv(dw; weight=[1, 2, 1, 1])
sum = Add(a, b)
r = Relu(sum)
d = Conv(r; weight=[2, 1, 1, 1])
return d
)");
  const Graph wide = scale_widths(graph, 3);
  EXPECT_EQ(width(wide, "a"), 3);
  EXPECT_EQ(width(wide, "b"), 3);
  EXPECT_EQ(width(wide, "dw"), 6);
  EXPECT_EQ(width(wide, "d"), 2);
}

TEST(ScaleWidths, LeavesAloneWhatHasOneChannelByNature) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 8, 4, 4]
a = Conv(x; weight=[12, 8, 3, 3])
sum = ReduceSum(a) axes=[1] keepdims=1
y = Conv(sum; weight=[8, 1, 1, 1])
z = Conv(y; weight=[2, 8, 1, 1])
return z
)");
  const Graph wide = scale_widths(graph, 2);
  EXPECT_EQ(width(wide, "a"), 24);
  EXPECT_EQ(wide[*wide.find("sum")].shape[1], 1);
  EXPECT_EQ(width(wide, "y"), 16);
}

/// All networks that some multiplier gives: every multiplier at which a width can change, tried one
/// by one.
std::vector<Graph> every_scaled(const Graph& graph) {
  std::vector<Graph> all;
  for (const int64_t seed_width : {4, 7}) {
    for (int64_t target = 1; target <= 400; ++target) {
      const double multiplier =
          (static_cast<double>(target) - 0.5) / static_cast<double>(seed_width);
      all.push_back(scale_widths(graph, multiplier));
    }
  }
  return all;
}

TEST(Expand, FindsTheWidestNetworkWithinBudget) {
  const Graph graph = graph_of(kChain);
  const std::vector<Graph> all = every_scaled(graph);
  std::vector<std::string> names = cost_model_names();
  names.push_back("latency:V100");
  for (const std::string& name : names) {
    const auto cost = make_cost_model(name);
    std::vector<double> spent;
    for (const Graph& scaled : all) spent.push_back(network_cost(scaled, *cost));
    for (const double share : {0.6, 0.9, 1.0, 1.7, 5.0, 40.0}) {
      const double budget = share * network_cost(graph, *cost);
      double dearest = 0;
      for (const double each : spent) {
        if (each <= budget) dearest = std::max(dearest, each);
      }
      const Expansion expansion = expand(graph, *cost, budget);
      EXPECT_LE(expansion.cost, budget);
      EXPECT_EQ(expansion.cost, network_cost(expansion.graph, *cost));
      EXPECT_EQ(expansion.cost, dearest) << name << " " << share;
    }
  }
}

TEST(Expand, RefusesWhatCannotBe) {
  const auto flops = make_cost_model("flops");
  // Widths 1: 2 · (27 · 36 + 36 + 3 · 36) FLOPs.
  EXPECT_ERROR(expand(graph_of(kChain), *flops, 2000),
               "budget flops=2 k cannot be reached: with every free width at its smallest the "
               "network costs 2.232 k FLOPs");
  EXPECT_ERROR(expand(graph_of(kChain), *flops, 1e30), "out of all proportion");
  EXPECT_ERROR(
      expand(graph_of("x = Input() shape=[1, 3]\nfc = Gemm(x; weight=[2, 3])\nreturn fc\n"),
             *flops,
             100),
      "no width is free to change");
}

TEST(Expand, GivesValidNetworksOfAnyShape) {
  const auto params = make_cost_model("params");
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = random_graph(seed);
    const double budget = 3 * network_cost(graph, *params);
    const Expansion expansion = expand(graph, *params, budget);
    EXPECT_LE(expansion.cost, budget);
    EXPECT_GT(expansion.cost, 0.5 * budget);
    EXPECT_EQ(infer_shapes(parse_graph(print_graph(expansion.graph))), expansion.graph);
  }
}

}  // namespace
}  // namespace morph
