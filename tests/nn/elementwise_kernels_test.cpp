#include <string>
#include <vector>

#include "expect_error.h"
#include "nn/run_text.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace morph {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;

/// An op applied to x = (1, -2, 3) and c.
std::vector<double> with_constant(const std::string& op, const std::vector<double>& c) {
  return run("x = Input() shape=[1, 3]\nc = Constant(; value=[1, 3])\ny = " + op + "\nreturn y",
             doubles({1, 3}, {1, -2, 3}),
             {{"c.value", doubles({1, 3}, c)}});
}

TEST(ElementwiseKernels, ComputeTheirFunctions) {
  EXPECT_THAT(with_constant("Sub(x, c)", {1, 2, 5}), ElementsAre(0, -4, -2));
  EXPECT_THAT(with_constant("Sub(c, x)", {1, 2, 5}), ElementsAre(0, 4, 2));
  EXPECT_THAT(with_constant("Div(x, c)", {2, 2, -4}), ElementsAre(0.5, -1, -0.75));
  EXPECT_THAT(with_constant("Pow(x, c)", {4, 3, 2}), ElementsAre(1, -8, 9));
  EXPECT_THAT(with_constant("Max(x, c)", {2, -3, 3}), ElementsAre(2, -2, 3));
  EXPECT_THAT(with_constant("Max(x)", {0, 0, 0}), ElementsAre(1, -2, 3));
  EXPECT_THAT(with_constant("Min(x, c, x)", {2, -3, 3}), ElementsAre(1, -3, 3));
  EXPECT_THAT(with_constant("Sum(x, c, c)", {2, -3, 3}), ElementsAre(5, -8, 9));
  EXPECT_THAT(with_constant("Mean(x, c, c)", {4, 1, 3}), ElementsAre(3, 0, 3));
  EXPECT_THAT(with_constant("Mean(x)", {0, 0, 0}), ElementsAre(1, -2, 3));
}

TEST(ElementwiseKernels, Broadcast) {
  const std::string nodes =
      "x = Input() shape=[1, 2, 2]\nc = Constant(; value=[1, 2, 1])\ny = Sub(x, c)\nreturn y";
  EXPECT_THAT(run(nodes,
                  doubles({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}),
                  {{"c.value", doubles({1, 2, 1}, {1, 3})}}),
              ElementsAre(0, 1, 0, 1, 4, 5, 4, 5));
}

TEST(ConstantKernel, IsPutBesideEveryExample) {
  const std::string nodes =
      "x = Input() shape=[1, 2, 1]\nc = Parameter(; value=[1, 1, 1])\n"
      "y = Concat(c, x) axis=1\nreturn y";
  EXPECT_THAT(run(nodes, doubles({2, 2, 1}, {1, 2, 3, 4}), {{"c.value", doubles({1, 1, 1}, {9})}}),
              ElementsAre(9, 1, 2, 9, 3, 4));
}

TEST(ConstantKernel, IsTrainedAsAParameterAndNotAsAConstant) {
  const Graph graph = graph_of(
      "x = Input() shape=[1, 2]\np = Parameter(; value=[1, 2])\nc = Constant(; value=[1, 2])\n"
      "y = Add(x, p, c)\nreturn y");
  const GraphModule module(
      graph, {{"p.value", doubles({1, 2}, {1, 2})}, {"c.value", doubles({1, 2}, {3, 4})}});
  ASSERT_EQ(module.parameters().size(), 1U);
  EXPECT_EQ(module.parameters()[0].first, "p.value");
}

}  // namespace
}  // namespace morph
