#include "morph/nn/kernels.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "expect_error.h"
#include "nn/run_text.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/ops/op_def.h"

namespace morph {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::Pointwise;

TEST(Kernels, ExistForEveryOpAndForNothingElse) {
  std::set<std::string_view> ops;
  for (const OpDef* op : all_ops()) ops.insert(op->name);
  std::vector<std::string_view> kernels;
  for (const KernelEntry& entry : all_kernels()) kernels.push_back(entry.op);
  EXPECT_THAT(kernels, ElementsAreArray(ops));
}

TEST(Kernels, UnknownOpIsRefused) {
  const Node node{.name = "a", .op = "Erff", .shape = {1, 2}};
  EXPECT_ERROR(make_kernel({node, {}}), "[a: Erff] this op cannot be run");
}

/// One op applied to [N, 4].
std::vector<double> run_pointwise(const std::string& op, const std::vector<double>& input) {
  const auto width = static_cast<int64_t>(input.size());
  return run("x = Input() shape=[1, " + std::to_string(width) + "]\ny = " + op + "\nreturn y",
             doubles({1, width}, input));
}

TEST(PointwiseKernels, ComputeTheirFunctions) {
  EXPECT_THAT(run_pointwise("Identity(x)", {-2, 3}), ElementsAre(-2, 3));
  EXPECT_THAT(run_pointwise("Relu(x)", {-2, 0, 3}), ElementsAre(0, 0, 3));
  EXPECT_THAT(run_pointwise("LeakyRelu(x)", {-2, 3}), ElementsAre(DoubleEq(-0.02), 3));
  EXPECT_THAT(run_pointwise("LeakyRelu(x) alpha=0.5", {-2, 3}), ElementsAre(-1, 3));
  EXPECT_THAT(run_pointwise("Clip(x) min=0.0 max=6.0", {-2, 3, 7}), ElementsAre(0, 3, 6));
  EXPECT_THAT(run_pointwise("Clip(x) max=6.0", {-2, 7}), ElementsAre(-2, 6));
  EXPECT_THAT(run_pointwise("Clip(x) min=-1.0", {-2, 7}), ElementsAre(-1, 7));
  EXPECT_THAT(run_pointwise("Clip(x)", {-2, 7}), ElementsAre(-2, 7));
  // 1 / (1 + e^-1) and (e - 1/e) / (e + 1/e).
  EXPECT_THAT(run_pointwise("Sigmoid(x)", {0, 1}),
              ElementsAre(0.5, DoubleNear(0.7310585786300049, 1e-15)));
  EXPECT_THAT(run_pointwise("Tanh(x)", {0, 1}),
              ElementsAre(0, DoubleNear(0.7615941559557649, 1e-15)));
  EXPECT_THAT(run_pointwise("HardSigmoid(x)", {-3, -1, 0, 2, 3}),
              ElementsAre(0, DoubleEq(0.3), 0.5, DoubleEq(0.9), 1));
  EXPECT_THAT(run_pointwise("HardSigmoid(x) alpha=0.25 beta=0.25", {-1, 1, 3}),
              ElementsAre(0, 0.5, 1));
  // x · clip(x/6 + 1/2, 0, 1).
  EXPECT_THAT(run_pointwise("HardSwish(x)", {-4, -1.5, 0, 1.5, 4}),
              ElementsAre(0, DoubleEq(-0.375), 0, DoubleEq(1.125), 4));
}

TEST(PointwiseKernels, SoftmaxNormalisesAlongItsAxis) {
  const double third = std::log(3.0);
  EXPECT_THAT(run_pointwise("Softmax(x)", {0, third}), ElementsAre(DoubleEq(0.25), DoubleEq(0.75)));
  EXPECT_THAT(run("x = Input() shape=[1, 2, 2]\ny = Softmax(x) axis=1\nreturn y",
                  doubles({1, 2, 2}, {0, 7, third, 7})),
              ElementsAre(DoubleEq(0.25), 0.5, DoubleEq(0.75), 0.5));
}

TEST(PointwiseKernels, AddTakesAnyNumberOfOperandsAndBroadcasts) {
  EXPECT_THAT(run("x = Input() shape=[1, 2]\ny = Add(x, x, x)\nreturn y", doubles({1, 2}, {1, 2})),
              ElementsAre(3, 6));
  EXPECT_THAT(run("x = Input() shape=[1, 2, 2]\n"
                  "s = Slice(x) starts=[0] ends=[1] axes=[2]\ny = Add(x, s)\nreturn y",
                  doubles({1, 2, 2}, {1, 2, 3, 4})),
              ElementsAre(2, 3, 6, 7));
}

TEST(PointwiseKernels, MulBroadcasts) {
  EXPECT_THAT(run("x = Input() shape=[1, 2, 1, 2]\n"
                  "s = GlobalAveragePool(x)\ny = Mul(x, s)\nreturn y",
                  doubles({2, 2, 1, 2}, {1, 3, 0, 4, 2, 2, 1, 0})),
              ElementsAre(2, 6, 0, 8, 4, 4, 0.5, 0));
}

TEST(Dropout, ScalesWhatItKeepsInTrainingAndDoesNothingInEval) {
  const Graph graph = graph_of("x = Input() shape=[1, 1000]\ny = Dropout(x) ratio=0.25\nreturn y");
  GraphModule module(graph, {});
  const at::Tensor ones = doubles({1, 1000}, std::vector<double>(1000, 1));
  const std::vector<double> dropped = values(module.forward(ones));
  const auto zeros = std::ranges::count(dropped, 0.0);
  // Binomial with mean 250 and deviation 13.7: five deviations.
  EXPECT_NEAR(static_cast<double>(zeros), 250, 69);
  EXPECT_EQ(std::ranges::count(dropped, 1 / 0.75), 1000 - zeros);
  module.set_training(false);
  EXPECT_THAT(values(module.forward(ones)), ::testing::Each(1));
}

TEST(ShapeKernels, ConcatJoinsAlongItsAxis) {
  const at::Tensor x = doubles({2, 1, 2}, {1, 2, 3, 4});
  EXPECT_THAT(run("x = Input() shape=[1, 1, 2]\ny = Concat(x, x) axis=1\nreturn y", x),
              ElementsAre(1, 2, 1, 2, 3, 4, 3, 4));
  EXPECT_THAT(
      run("x = Input() shape=[1, 1, 2]\nr = Relu(x)\ny = Concat(x, r, x) axis=-1\nreturn y", x),
      ElementsAre(1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4));
}

TEST(ShapeKernels, SliceCountsFromBothEndsAndStepsBothWays) {
  const auto sliced = [](const std::string& attributes) {
    return run("x = Input() shape=[1, 5]\ny = Slice(x) " + attributes + "\nreturn y",
               doubles({1, 5}, {0, 1, 2, 3, 4}));
  };
  EXPECT_THAT(sliced("starts=1 ends=3 axes=1"), ElementsAre(1, 2));
  EXPECT_THAT(sliced("starts=-2 ends=9223372036854775807 axes=1"), ElementsAre(3, 4));
  EXPECT_THAT(sliced("starts=0 ends=-1 axes=-1 steps=2"), ElementsAre(0, 2));
  EXPECT_THAT(sliced("starts=4 ends=0 axes=1 steps=-2"), ElementsAre(4, 2));
  EXPECT_THAT(sliced("starts=-1 ends=-9223372036854775807 axes=1 steps=-1"),
              ElementsAre(4, 3, 2, 1, 0));
}

TEST(ShapeKernels, SliceTakesSeveralAxesOfEveryExample) {
  EXPECT_THAT(run("x = Input() shape=[1, 2, 2]\n"
                  "y = Slice(x) starts=[1, 0] ends=[2, 1] axes=[1, 2]\nreturn y",
                  doubles({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8})),
              ElementsAre(3, 7));
}

TEST(ShapeKernels, ReshapeAndTransposeLeaveTheBatchOpen) {
  // A channel shuffle of 2 groups of 2 on a batch of 2.
  const Graph graph = graph_of(
      "x = Input() shape=[1, 4]\na = Reshape(x) shape=[1, 2, 2]\n"
      "b = Transpose(a) perm=[0, 2, 1]\ny = Reshape(b) shape=[0, -1]\nreturn y");
  const at::Tensor y = GraphModule(graph, {}).forward(doubles({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(shape_of(y), (Shape{2, 4}));
  EXPECT_THAT(values(y), ElementsAre(1, 3, 2, 4, 5, 7, 6, 8));
}

TEST(ShapeKernels, FlattenJoinsAllAxesBehindTheBatch) {
  const Graph graph = graph_of("x = Input() shape=[1, 2, 1, 2]\ny = Flatten(x)\nreturn y");
  const at::Tensor y =
      GraphModule(graph, {}).forward(doubles({2, 2, 1, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(shape_of(y), (Shape{2, 4}));
  EXPECT_THAT(values(y), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
}

TEST(ShapeKernels, PadHasThreeModes) {
  const auto padded = [](const std::string& attributes) {
    return run("x = Input() shape=[1, 1, 3]\ny = Pad(x) " + attributes + "\nreturn y",
               doubles({1, 1, 3}, {1, 2, 3}));
  };
  EXPECT_THAT(padded("pads=[0, 0, 1, 0, 0, 2]"), ElementsAre(0, 1, 2, 3, 0, 0));
  EXPECT_THAT(padded("pads=[0, 0, 1, 0, 0, 2] value=9.0"), ElementsAre(9, 1, 2, 3, 9, 9));
  EXPECT_THAT(padded("pads=[0, 0, 1, 0, 0, 2] mode=\"reflect\""), ElementsAre(2, 1, 2, 3, 2, 1));
  EXPECT_THAT(padded("pads=[0, 0, 2, 0, 0, 1] mode=\"edge\""), ElementsAre(1, 1, 1, 2, 3, 3));
  EXPECT_THAT(padded("pads=[0, 1, 0, 0, 0, 0]"), ElementsAre(0, 0, 0, 1, 2, 3));
  EXPECT_THAT(padded("pads=[0, 0, 0, 0, 0, 0]"), ElementsAre(1, 2, 3));
}

TEST(ShapeKernels, PadOfTwoAxesPutsEachWhereItBelongs) {
  // One row above, two columns to the right.
  EXPECT_THAT(run("x = Input() shape=[1, 1, 1, 2]\n"
                  "y = Pad(x) pads=[0, 0, 1, 0, 0, 0, 0, 2]\nreturn y",
                  doubles({1, 1, 1, 2}, {1, 2})),
              ElementsAre(0, 0, 0, 0, 1, 2, 0, 0));
}

TEST(Gemm, MultipliesTheLastAxisByRowsOfTheWeight) {
  const std::string nodes =
      "x = Input() shape=[1, 2, 2]\nfc = Gemm(x; weight=[3, 2], bias=[3])\nreturn fc";
  const at::Tensor x = doubles({1, 2, 2}, {1, 2, 0, -1});
  const Params params = {{"fc.weight", doubles({3, 2}, {1, 0, 0, 1, 2, 3})},
                         {"fc.bias", doubles({3}, {10, 20, 30})}};
  EXPECT_THAT(run(nodes, x, params), ElementsAre(11, 22, 38, 10, 19, 27));
  EXPECT_THAT(run("x = Input() shape=[1, 2, 2]\nfc = Gemm(x; weight=[3, 2])\nreturn fc", x, params),
              ElementsAre(1, 2, 8, 0, -1, -3));
}

TEST(GlobalAveragePool, IsTheMeanOverSpace) {
  EXPECT_THAT(run("x = Input() shape=[1, 2, 2, 2]\ny = GlobalAveragePool(x)\nreturn y",
                  doubles({1, 2, 2, 2}, {1, 2, 3, 4, 0, 0, 0, 8})),
              ElementsAre(2.5, 2));
}

constexpr const char* kNormalised =
    "x = Input() shape=[1, 2]\n"
    "bn = BatchNormalization(x; weight=[2], bias=[2], running_mean=[2], running_var=[2])"
    " epsilon=0.0";

Params normalisation_params() {
  return {{"bn.weight", doubles({2}, {1, 2})},
          {"bn.bias", doubles({2}, {0, 5})},
          {"bn.running_mean", doubles({2}, {1, 10})},
          {"bn.running_var", doubles({2}, {4, 25})}};
}

TEST(BatchNormalization, UsesRunningStatisticsInEval) {
  // (x - mean) / √var · weight + bias.
  EXPECT_THAT(
      run(cat(kNormalised, "\nreturn bn"), doubles({2, 2}, {3, 0, 1, 15}), normalisation_params()),
      ElementsAre(DoubleEq(1), DoubleEq(1), DoubleEq(0), DoubleEq(7)));
}

TEST(BatchNormalization, UsesBatchStatisticsInTrainingAndRemembersThem) {
  const Params params = normalisation_params();
  const GraphModule module(graph_of(cat(kNormalised, " momentum=0.75\nreturn bn")), params);
  // Channel 0: mean 2, deviation 1. Channel 1: mean 4, deviation 4.
  EXPECT_THAT(values(module.forward(doubles({2, 2}, {1, 0, 3, 8}))), ElementsAre(-1, 3, 1, 7));
  // 0.75 · old + 0.25 · new; the new variance is the unbiased one, 2 and 32.
  EXPECT_THAT(values(params.at("bn.running_mean")), ElementsAre(1.25, 8.5));
  EXPECT_THAT(values(params.at("bn.running_var")), ElementsAre(3.5, 26.75));
}

TEST(BatchNormalization, KeepsNineTenthsOfTheOldStatisticsByDefault) {
  const Params params = normalisation_params();
  const GraphModule module(graph_of(cat(kNormalised, "\nreturn bn")), params);
  module.forward(doubles({2, 2}, {1, 0, 3, 8}));
  EXPECT_THAT(values(params.at("bn.running_mean")), ElementsAre(DoubleEq(1.1), DoubleEq(9.4)));
}

TEST(BatchNormalization, NormalisesEachChannelOfAMapOverBatchAndSpace) {
  const Graph graph = graph_of(
      "x = Input() shape=[1, 2, 1, 2]\n"
      "bn = BatchNormalization(x; weight=[2], bias=[2], running_mean=[2], running_var=[2])"
      " epsilon=0.0\nreturn bn");
  const GraphModule module(graph, normalisation_params());
  // Channel 0: 0, 2, 2, 4 has mean 2, variance 2. Channel 1: 1, 1, 3, 3 has mean 2, variance 1.
  const double r = std::sqrt(2.0);
  EXPECT_THAT(values(module.forward(doubles({2, 2, 1, 2}, {0, 2, 1, 1, 2, 4, 3, 3}))),
              Pointwise(DoubleNear(1e-14), {-r, 0.0, 3.0, 3.0, 0.0, r, 7.0, 7.0}));
}

TEST(BatchNormalization, RefusesToTrainOnOneValuePerChannel) {
  GraphModule module(graph_of(cat(kNormalised, "\nreturn bn")), normalisation_params());
  const at::Tensor one = doubles({1, 2}, {1, 2});
  EXPECT_ERROR(module.forward(one),
               "[bn: BatchNormalization] needs more than one value per channel in training; got a "
               "batch of 1");
  module.set_training(false);
  EXPECT_EQ(shape_of(module.forward(one)), (Shape{1, 2}));
}

}  // namespace
}  // namespace morph
