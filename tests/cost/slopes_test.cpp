#include <cmath>
#include <string>
#include <tuple>

#include "charges.h"
#include "random_graph.h"
#include <gtest/gtest.h>

#include "morph/base/random.h"

namespace morph {
namespace {

/// Counts between a third of a block and all of it, and no whole numbers.
std::vector<double> random_counts(const ChannelBlocks& blocks, uint64_t seed) {
  Random random(seed);
  std::vector<double> counts;
  for (const auto& sets : blocks.sets) {
    counts.push_back(static_cast<double>(sets.size()) * (1 + 2 * random.uniform()) / 3);
  }
  return counts;
}

using Case = std::tuple<const char*, Compat>;

class SlopesOfRandomGraphs : public ::testing::TestWithParam<Case> {};

TEST_P(SlopesOfRandomGraphs, AreFiniteDifferences) {
  const auto [cost, compat] = GetParam();
  const auto model = make_cost_model(cost, {.batch_size = 3, .compat = compat});
  // A cost is quadratic in one count, so that central differences are exact but for rounding: the
  // total's, of fewer than 2^12 additions, over the step.
  constexpr double kStep = 0x1p-12;
  constexpr double kRounding = 0x1p-53 * 0x1p12 / kStep;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = random_graph(seed);
    const ChannelBlocks blocks = find_channel_blocks(graph, find_channel_groups(graph));
    CostTable table = make_cost_table(graph, blocks, *model);
    for (CostTable::Row& row : table.rows) {
      for (BilinearForm& form : row.forms) form.slope_in = 0;  // By design no slope of the cost.
    }
    const std::vector<double> alive = random_counts(blocks, seed);
    const std::vector<double> prices = table.prices(alive);
    const double tolerance = kRounding * table.total(alive);
    for (size_t b = 0; b < alive.size(); ++b) {
      std::vector<double> more = alive;
      std::vector<double> fewer = alive;
      more[b] += kStep;
      fewer[b] -= kStep;
      EXPECT_NEAR(prices[b], (table.total(more) - table.total(fewer)) / (2 * kStep), tolerance);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Costs,
                         SlopesOfRandomGraphs,
                         ::testing::Combine(::testing::Values("flops",
                                                              "params",
                                                              "weights",
                                                              "activations",
                                                              "channels",
                                                              "memory",
                                                              "activation-memory",
                                                              "latency:V100",
                                                              "latency:peak=1,bandwidth=100"),
                                            ::testing::Values(Compat::kNone, Compat::kMorphNet)));

TEST(Slopes, OfDepthwiseConvolutionsAreDoubledInTheOriginalAlone) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Graph graph = random_graph(seed);
    const ChannelBlocks blocks = find_channel_blocks(graph, find_channel_groups(graph));
    for (const Compat compat : {Compat::kNone, Compat::kMorphNet}) {
      const auto model = make_cost_model("flops", {.compat = compat});
      for (const CostTable::Row& row : make_cost_table(graph, blocks, *model).rows) {
        const BilinearForm& form = row.forms.front();
        const std::string& op = graph[row.node].op;
        const bool is_depthwise = (op == "Conv" || op == "ConvTranspose") && form.pair == 0;
        if (row.in.empty()) continue;  // Behind a reshape the original follows no channels.
        EXPECT_EQ(form.slope_in, compat == Compat::kMorphNet && is_depthwise ? form.per_out : 0);
      }
    }
  }
}

}  // namespace
}  // namespace morph
