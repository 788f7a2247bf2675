#include <cmath>
#include <string>
#include <vector>

#include "nn/run_text.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace morph {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Pointwise;

/// A normalisation with epsilon 0 of two channels that are scaled by 1, 2 and shifted by 0, 5.
std::vector<double> normalized(const std::string& op,
                               const Shape& shape,
                               const std::vector<double>& x) {
  return run("x = Input() shape=" + format_shape(shape) + "\nn = " + op + " epsilon=0.0\nreturn n",
             doubles(shape, x),
             {{"n.weight", doubles({2}, {1, 2})}, {"n.bias", doubles({2}, {0, 5})}});
}

// Mean 2 and deviation 1 in one channel, 4 and 4 in the other.
TEST(NormKernels, InstanceNormalizationTakesEachChannelByItself) {
  EXPECT_THAT(normalized("InstanceNormalization(x; weight=[2], bias=[2])", {1, 2, 2}, {1, 3, 0, 8}),
              ElementsAre(DoubleEq(-1), DoubleEq(1), DoubleEq(3), DoubleEq(7)));
}

// All four numbers together: mean 3, variance (4 + 0 + 9 + 25) / 4 = 9.5.
TEST(NormKernels, GroupNormalizationTakesTheChannelsOfAGroupTogether) {
  const double r = std::sqrt(9.5);
  EXPECT_THAT(
      normalized(
          "GroupNormalization(x; weight=[2], bias=[2]) num_groups=1", {1, 2, 2}, {1, 3, 0, 8}),
      Pointwise(DoubleNear(1e-14), {-2 / r, 0.0, 5 - 6 / r, 5 + 10 / r}));
}

TEST(NormKernels, LayerNormalizationTakesTheLastAxes) {
  EXPECT_THAT(normalized("LayerNormalization(x; weight=[2], bias=[2])", {1, 2, 2}, {1, 3, 0, 8}),
              ElementsAre(DoubleEq(-1), DoubleEq(7), DoubleEq(-1), DoubleEq(7)));
}

// size 3: the squares of a channel and its two neighbours, divided by 3. beta 1 and bias 1.
TEST(NormKernels, LrnDividesByTheNeighbourhood) {
  const std::string nodes = "x = Input() shape=[1, 4, 1]\ny = LRN(x) alpha=3.0 beta=1.0 ";
  const at::Tensor x = doubles({1, 4, 1}, {1, 2, 3, 4});
  EXPECT_THAT(run(nodes + "size=3\nreturn y", x),
              Pointwise(DoubleNear(1e-15), {1.0 / 6, 2.0 / 15, 3.0 / 30, 4.0 / 26}));
  // size 2: a channel and the one behind it, divided by 2.
  EXPECT_THAT(run(nodes + "size=2\nreturn y", x),
              Pointwise(DoubleNear(1e-15), {1 / 8.5, 2 / 20.5, 3 / 38.5, 4 / 25.0}));
}

TEST(ReductionKernels, ComputeTheirFunctions) {
  const auto reduced = [](const std::string& op) {
    return run("x = Input() shape=[1, 2, 2]\ny = " + op + "\nreturn y",
               doubles({2, 2, 2}, {3, -4, 0, 5, 1, 1, 2, 2}));
  };
  EXPECT_THAT(reduced("ReduceSum(x) axes=[1, 2]"), ElementsAre(4, 6));
  EXPECT_THAT(reduced("ReduceMean(x) axes=2"), ElementsAre(-0.5, 2.5, 1, 2));
  EXPECT_THAT(reduced("ReduceMax(x) axes=1 keepdims=0"), ElementsAre(3, 5, 2, 2));
  EXPECT_THAT(reduced("ReduceMin(x) axes=-1"), ElementsAre(-4, 0, 1, 2));
  EXPECT_THAT(reduced("ReduceL2(x) axes=2"),
              ElementsAre(5, 5, DoubleEq(std::sqrt(2.0)), DoubleEq(std::sqrt(8.0))));
  EXPECT_THAT(reduced("ReduceSum(x) noop_with_empty_axes=1"), ElementsAre(3, -4, 0, 5, 1, 1, 2, 2));
}

TEST(GlobalMaxPool, TakesTheLargestOfEachChannel) {
  EXPECT_THAT(run("x = Input() shape=[1, 2, 2]\ny = GlobalMaxPool(x)\nreturn y",
                  doubles({1, 2, 2}, {1, 3, -5, -7})),
              ElementsAre(3, -5));
}

}  // namespace
}  // namespace morph
