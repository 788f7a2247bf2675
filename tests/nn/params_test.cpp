#include "morph/nn/params.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "expect_error.h"
#include "nn/run_text.h"
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/ops/op_def.h"

namespace morph {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

struct Moments {
  double mean = 0;
  double variance = 0;
};

Moments moments(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  Moments m;
  for (const double value : values) m.mean += value / count;
  for (const double value : values) m.variance += (value - m.mean) * (value - m.mean) / count;
  return m;
}

TEST(InitialParams, ConvolutionsAreKaimingNormalByFanOut) {
  const Graph graph = graph_of(
      "x = Input() shape=[1, 64, 8, 8]\n"
      "conv = Conv(x; weight=[128, 64, 3, 3], bias=[128])\nreturn conv");
  const std::vector<double> weight = values(initial_params(graph, 1).at("conv.weight"));
  ASSERT_EQ(weight.size(), 73728u);
  const Moments m = moments(weight);
  const double variance = 2.0 / (128 * 3 * 3);
  // Five standard errors: √(σ²/n) of the mean, σ²·√(2/n) of the variance.
  EXPECT_NEAR(m.mean, 0, 5 * std::sqrt(variance / 73728));
  EXPECT_NEAR(m.variance, variance, 5 * variance * std::sqrt(2.0 / 73728));
  // A normal distribution has 4.55 % beyond two deviations; a uniform one has none.
  const auto far = std::ranges::count_if(
      weight, [&](double w) { return std::abs(w) > 2 * std::sqrt(variance); });
  EXPECT_NEAR(static_cast<double>(far) / 73728, 0.0455, 0.004);
  EXPECT_THAT(values(initial_params(graph, 1).at("conv.bias")), Each(0));
}

TEST(InitialParams, FanOutOfAGroupedConvolutionIsThatOfOneGroup) {
  const Graph graph = graph_of(
      "x = Input() shape=[1, 512, 8, 8]\n"
      "conv = Conv(x; weight=[1024, 1, 3, 3]) group=512\nreturn conv");
  // Each input channel feeds two outputs through nine taps.
  const Moments m = moments(values(initial_params(graph, 1).at("conv.weight")));
  EXPECT_NEAR(m.variance, 2.0 / 18, 5 * 2.0 / 18 * std::sqrt(2.0 / 9216));
}

TEST(InitialParams, DenseLayersAreUniformByFanIn) {
  const Graph graph = graph_of(
      "x = Input() shape=[1, 100]\nfc = Gemm(x; weight=[200, 100], bias=[200])\nreturn fc");
  const Params params = initial_params(graph, 3);
  for (const char* name : {"fc.weight", "fc.bias"}) {
    const std::vector<double> drawn = values(params.at(name));
    // 1 / √100; of 200 uniform numbers one is beyond 0.9 of the bound but for 0.9^200 = 7e-10.
    EXPECT_GT(*std::ranges::max_element(drawn), 0.09);
    EXPECT_LE(*std::ranges::max_element(drawn), 0.1);
    EXPECT_LT(*std::ranges::min_element(drawn), -0.09);
    EXPECT_GE(*std::ranges::min_element(drawn), -0.1);
  }
  // (2 · 0.1)² / 12, with the fourth moment of a uniform distribution: σ²·√(0.8/n).
  EXPECT_NEAR(moments(values(params.at("fc.weight"))).variance,
              0.04 / 12,
              5 * 0.04 / 12 * std::sqrt(0.8 / 20000));
}

TEST(InitialParams, NormalisationBeginsAsIdentity) {
  const Graph graph = graph_of(
      "x = Input() shape=[1, 2]\n"
      "bn = BatchNormalization(x; weight=[2], bias=[2], running_mean=[2], running_var=[2])\n"
      "return bn");
  const Params params = initial_params(graph, 1);
  EXPECT_EQ(params.size(), 4u);
  EXPECT_THAT(values(params.at("bn.weight")), ElementsAre(1, 1));
  EXPECT_THAT(values(params.at("bn.bias")), ElementsAre(0, 0));
  EXPECT_THAT(values(params.at("bn.running_mean")), ElementsAre(0, 0));
  EXPECT_THAT(values(params.at("bn.running_var")), ElementsAre(1, 1));
}

TEST(InitialParams, DependOnSeedAndNameAlone) {
  const auto weight = [](const std::string& nodes, const std::string& name, uint64_t seed) {
    return values(initial_params(graph_of(nodes), seed).at(name));
  };
  const std::string alone = "x = Input() shape=[1, 3]\nb = Gemm(x; weight=[2, 3])\nreturn b";
  const std::string second =
      "x = Input() shape=[1, 3]\na = Gemm(x; weight=[3, 3])\nb = Gemm(a; weight=[2, 3])\nreturn b";
  const std::vector<double> reference = weight(alone, "b.weight", 7);
  EXPECT_EQ(weight(alone, "b.weight", 7), reference);
  EXPECT_EQ(weight(second, "b.weight", 7), reference);
  EXPECT_NE(weight(alone, "b.weight", 8), reference);
  const std::string other = "x = Input() shape=[1, 3]\nc = Gemm(x; weight=[2, 3])\nreturn c";
  EXPECT_NE(weight(other, "c.weight", 7), reference);
}

TEST(InitialParams, SharedTensorsAreMadeOnce) {
  const Graph graph = graph_of(
      "x = Input() shape=[1, 2]\na = Gemm(x; weight=[2, 2] @ w)\n"
      "b = Gemm(a; weight=[2, 2] @ w)\nreturn b");
  EXPECT_THAT(initial_params(graph, 1), ElementsAre(::testing::Key("w")));
}

TEST(InitialParams, ExistForEverySlotOfEveryOp) {
  for (const OpDef* op : all_ops()) {
    Graph graph;
    Node node{.name = "n", .op = std::string(op->name)};
    if (op->name == "Constant") node.attrs["initial"] = std::vector<double>{0.5};
    for (const Slot& slot : op->slots) {
      node.params[std::string(slot.name)] = {.tensor = std::string(slot.name), .shape = {2, 2, 1}};
    }
    graph.add(node);
    EXPECT_EQ(initial_params(graph, 1).size(), op->slots.size()) << op->name;
  }
}

TEST(InitialParams, ParametersBeginAsStatedAndConstantsAreNotMadeUp) {
  const Graph graph = graph_of(
      "x = Input() shape=[1, 2]\np = Parameter(; value=[1, 2]) initial=0.25\n"
      "q = Parameter(; value=[1, 2])\ny = Add(x, p, q)\nreturn y");
  const Params params = initial_params(graph, 1);
  EXPECT_EQ(values(params.at("p.value")), (std::vector<double>{0.25, 0.25}));
  EXPECT_EQ(values(params.at("q.value")), (std::vector<double>{0, 0}));
  const Graph fixed =
      graph_of("x = Input() shape=[1, 2]\nc = Constant(; value=[1, 2])\ny = Add(x, c)\nreturn y");
  EXPECT_ERROR(initial_params(fixed, 1),
               "[c: Constant] has a value that only a file with the network's weights knows");
}

TEST(InitialParams, DenseAndTransposedLayersCountTheirFans) {
  const Graph graph =
      graph_of("x = Input() shape=[1, 4]\nm = MatMul(x; weight=[4, 1000])\nreturn m");
  const std::vector<double> dense = values(initial_params(graph, 1).at("m.weight"));
  EXPECT_GT(*std::max_element(dense.begin(), dense.end()), 0.45);  // Uniform in ±1/√4.
  EXPECT_LT(*std::max_element(dense.begin(), dense.end()), 0.5);
  const Graph up = graph_of(
      "x = Input() shape=[1, 100, 2]\nu = ConvTranspose(x; weight=[100, 50, 4]) group=2\nreturn u");
  const std::vector<double> weights = values(initial_params(up, 1).at("u.weight"));
  double squares = 0;
  for (const double w : weights) squares += w * w;
  // Variance 2 / (50 · 4) over 20,000 draws: its estimate has a deviation of a hundredth of it.
  EXPECT_NEAR(squares / static_cast<double>(weights.size()), 0.01, 0.0005);
}

TEST(InitialParams, UnknownSlotIsAnError) {
  Graph graph;
  graph.add({.name = "n", .op = "Relu", .params = {{"slope", {.tensor = "s", .shape = {1}}}}});
  EXPECT_ERROR(initial_params(graph, 1),
               "[n: Relu] has no rule for initial values of its param 'slope'");
}

const char* const kDense = "x = Input() shape=[1, 3]\nfc = Gemm(x; weight=[2, 3])\nreturn fc";

TEST(CheckParams, NamesTheTensorThatDoesNotFit) {
  const Graph graph = graph_of(kDense);
  EXPECT_NO_THROW(check_params(graph, initial_params(graph, 1)));
  EXPECT_ERROR(check_params(graph, {}),
               "[fc: Gemm] tensor 'fc.weight' of shape [2, 3] is missing among the weights");
  EXPECT_ERROR(check_params(graph, {{"fc.weight", at::zeros({3, 2})}}),
               "[fc: Gemm] tensor 'fc.weight' must have shape [2, 3], got [3, 2]");
  EXPECT_ERROR(check_params(graph, {{"fc.weight", at::zeros({2, 3}, at::kLong)}}),
               "must be of a floating type, got");
  EXPECT_ERROR(check_params(graph, {{"fc.weight", at::Tensor()}}), "is undefined");
}

TEST(CheckParams, IgnoresTensorsThatTheGraphDoesNotUse) {
  const Graph graph = graph_of(kDense);
  Params params = initial_params(graph, 1);
  params["other"] = at::zeros({1});
  EXPECT_NO_THROW(check_params(graph, params));
}

TEST(Apply, CutsEachAxisOutOfTheSource) {
  const Params params = {{"w", doubles({2, 3}, {0, 1, 2, 10, 11, 12})},
                         {"b", doubles({2}, {5, 6})}};
  const SlicePlan plan = {
      {"both", {.source = "w", .keep = {std::vector<int64_t>{1}, std::vector<int64_t>{0, 2}}}},
      {"columns", {.source = "w", .keep = {std::nullopt, std::vector<int64_t>{2, 1}}}},
      {"twice", {.source = "b", .keep = {std::vector<int64_t>{1, 1, 0}}}},
      {"whole", {.source = "b"}}};
  const Params cut = morph::apply(plan, params);
  ASSERT_EQ(cut.size(), 4u);
  EXPECT_EQ(shape_of(cut.at("both")), (Shape{1, 2}));
  EXPECT_THAT(values(cut.at("both")), ElementsAre(10, 12));
  EXPECT_EQ(shape_of(cut.at("columns")), (Shape{2, 2}));
  EXPECT_THAT(values(cut.at("columns")), ElementsAre(2, 1, 12, 11));
  EXPECT_THAT(values(cut.at("twice")), ElementsAre(6, 6, 5));
  EXPECT_THAT(values(cut.at("whole")), ElementsAre(5, 6));
}

TEST(Apply, CopiesAndDropsGradients) {
  Params params = {{"b", doubles({2}, {5, 6})}};
  params.at("b").set_requires_grad(true);
  const Params cut = morph::apply(SlicePlan{{"b", {.source = "b"}}}, params);
  EXPECT_FALSE(cut.at("b").requires_grad());
  cut.at("b").fill_(0);
  EXPECT_THAT(values(params.at("b")), ElementsAre(5, 6));
}

TEST(Apply, RefusesPlansThatDoNotFitTheWeights) {
  const Params params = {{"b", doubles({2}, {5, 6})}};
  const auto cut = [&](const Slice& slice) {
    return morph::apply(SlicePlan{{"n", slice}}, params);
  };
  EXPECT_ERROR(cut({.source = "w"}), "cannot cut 'n': 'w' is missing among the weights");
  EXPECT_ERROR(cut({.source = "b", .keep = {std::vector<int64_t>{2}}}),
               "cannot cut 'n' out of 'b': axis 0 has only 2 positions");
  EXPECT_ERROR(cut({.source = "b", .keep = {std::nullopt, std::nullopt}}),
               "it has rank 1, expected 2");
}

}  // namespace
}  // namespace morph
