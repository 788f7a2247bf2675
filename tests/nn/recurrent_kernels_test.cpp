#include <cmath>
#include <string>
#include <vector>

#include "expect_error.h"
#include "nn/run_text.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/analysis/channel_groups.h"
#include "morph/nn/cut.h"

namespace morph {
namespace {

/// One recurrence with one feature and one hidden unit over the steps, with these params.
std::vector<double> states(const std::string& node,
                           const std::vector<double>& steps,
                           Params params) {
  const auto count = static_cast<int64_t>(steps.size());
  const Graph graph = graph_of("x = Input() shape=[1, " + std::to_string(count) +
                               ", 1]\ny = " + node + "\nreturn y");
  GraphModule module(graph, std::move(params));
  module.set_training(false);
  return values(module.forward(doubles({1, count, 1}, steps)));
}

double sigma(double x) { return 1 / (1 + std::exp(-x)); }

TEST(RecurrentKernels, RnnFeedsItsStateBack) {
  const Params params = {{"y.weight", doubles({1, 1, 1}, {2})},
                         {"y.recurrence", doubles({1, 1, 1}, {0.5})},
                         {"y.bias", doubles({1, 2}, {0.25, 0.5})}};
  const std::string node = "RNN(x; weight=[1, 1, 1], recurrence=[1, 1, 1], bias=[1, 2])";
  const double first = std::tanh(2 * 0.1 + 0.75);
  const std::vector<double> got = states(node, {0.1, -0.2}, params);
  EXPECT_NEAR(got.at(0), first, 1e-15);
  EXPECT_NEAR(got.at(1), std::tanh(2 * -0.2 + 0.5 * first + 0.75), 1e-15);
  // Linear where Relu lets everything through: 2·1 + 0.75, then half of that.
  EXPECT_THAT(states(node + " activations=\"Relu\"", {1, 0}, params),
              ::testing::ElementsAre(2.75, 0.5 * 2.75 + 0.75));
  EXPECT_THAT(states(node + " activations=\"Relu\" direction=\"reverse\"", {0, 1}, params),
              ::testing::ElementsAre(0.5 * 2.75 + 0.75, 2.75));
}

TEST(RecurrentKernels, LstmTakesItsGatesInOnnxsOrder) {
  // Input, output, forget, cell: all different.
  const Params params = {{"y.weight", doubles({1, 4, 1}, {1, 2, 3, 4})},
                         {"y.recurrence", doubles({1, 4, 1}, {0, 0, 0, 0})}};
  const double x = 0.3;
  const double z = -0.4;
  const double cell = sigma(x) * std::tanh(4 * x);
  const double next = sigma(3 * z) * cell + sigma(z) * std::tanh(4 * z);
  const std::vector<double> got =
      states("LSTM(x; weight=[1, 4, 1], recurrence=[1, 4, 1])", {x, z}, params);
  EXPECT_NEAR(got.at(0), sigma(2 * x) * std::tanh(cell), 1e-15);
  EXPECT_NEAR(got.at(1), sigma(2 * z) * std::tanh(next), 1e-15);
}

TEST(RecurrentKernels, GruResetsBehindItsMatrix) {
  // Update, reset, new; the bias of the new state's recurrent part is reset too.
  const Params params = {{"y.weight", doubles({1, 3, 1}, {1, 2, 3})},
                         {"y.recurrence", doubles({1, 3, 1}, {0, 0, 0.5})},
                         {"y.bias", doubles({1, 6}, {0, 0, 0, 0, 0, 0.75})}};
  const double x = 0.3;
  const double z = -0.4;
  const double first = (1 - sigma(x)) * std::tanh(3 * x + sigma(2 * x) * 0.75);
  const double fresh = std::tanh(3 * z + sigma(2 * z) * (0.5 * first + 0.75));
  const std::vector<double> got =
      states("GRU(x; weight=[1, 3, 1], recurrence=[1, 3, 1], bias=[1, 6])", {x, z}, params);
  EXPECT_NEAR(got.at(0), first, 1e-15);
  EXPECT_NEAR(got.at(1), (1 - sigma(z)) * fresh + sigma(z) * first, 1e-15);
}

TEST(RecurrentKernels, BothDirectionsLieBesideEachOther) {
  Params params = {{"y.weight", doubles({2, 1, 1}, {1, 1})},
                   {"y.recurrence", doubles({2, 1, 1}, {1, 1})}};
  EXPECT_THAT(states("RNN(x; weight=[2, 1, 1], recurrence=[2, 1, 1])"
                     " activations=\"Relu\" direction=\"bidirectional\"",
                     {1, 2, 4},
                     params),
              ::testing::ElementsAre(1, 7, 3, 6, 7, 4));
}

TEST(RecurrentKernels, UnknownActivationIsRefused) {
  EXPECT_ERROR(
      states("RNN(x; weight=[1, 1, 1], recurrence=[1, 1, 1]) activations=\"Sin\"",
             {1},
             {{"y.weight", doubles({1, 1, 1}, {1})}, {"y.recurrence", doubles({1, 1, 1}, {1})}}),
      "[y: RNN] has no activation 'Sin'");
}

TEST(RecurrentKernels, ARemovedFeatureThatIsAConstantIsDroppedNotFolded) {
  const Graph graph = graph_of(
      "x = Input() shape=[1, 4, 3]\na = Gemm(x; weight=[2, 3], bias=[2])\n"
      "r = LSTM(a; weight=[1, 8, 2], recurrence=[1, 8, 2], bias=[1, 16])\n"
      "s = ReduceMean(r) axes=[1, 2] keepdims=0\ny = Gemm(s; weight=[2, 2])\nreturn y");
  Random random(3);
  const Params params = random_double_params(graph, random);
  const ChannelGroups groups = find_channel_groups(graph);
  std::vector<bool> alive(static_cast<size_t>(groups.set_count()), true);
  alive[static_cast<size_t>(groups.made_by(graph.find("a").value())[1])] = false;
  const Cut cut = cut_channels(graph, params, groups, alive);
  ASSERT_EQ(cut.constants.size(), 1U);
  EXPECT_FALSE(cut.constants[0].folded);
  EXPECT_EQ(cut.constants[0].reason, "the node is not linear in what it reads");
  EXPECT_LE(cut.equivalence, 1e-12);
  EXPECT_EQ(cut.params.at("r.weight").sizes(), (at::IntArrayRef{1, 8, 1}));
}

}  // namespace
}  // namespace morph
