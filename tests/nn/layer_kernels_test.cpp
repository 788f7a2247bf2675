#include <string>
#include <vector>

#include "nn/run_text.h"
#include <ATen/TensorOperators.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace morph {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;

/// A ConvTranspose of one channel applied to (1, 2).
std::vector<double> upsampled(const std::vector<double>& weight, const std::string& attributes) {
  const auto size = static_cast<int64_t>(weight.size());
  return run("x = Input() shape=[1, 1, 2]\ny = ConvTranspose(x; weight=[1, 1, " +
                 std::to_string(size) + "], bias=[1]) " + attributes + "\nreturn y",
             doubles({1, 1, 2}, {1, 2}),
             {{"y.weight", doubles({1, 1, size}, weight)}, {"y.bias", doubles({1}, {0.5})}});
}

TEST(ConvTranspose, LaysTheKernelOnEveryPosition) {
  EXPECT_THAT(upsampled({1, 10, 100}, "strides=2"), ElementsAre(1.5, 10.5, 102.5, 20.5, 200.5));
  EXPECT_THAT(upsampled({1, 10, 100}, "strides=2 pads=[1, 1]"), ElementsAre(10.5, 102.5, 20.5));
  EXPECT_THAT(upsampled({1, 10, 100}, "strides=2 pads=[0, 1] output_padding=1"),
              ElementsAre(1.5, 10.5, 102.5, 20.5, 200.5));
  EXPECT_THAT(upsampled({1, 10, 100}, "strides=2 output_padding=1"),
              ElementsAre(1.5, 10.5, 102.5, 20.5, 200.5, 0.5));
  EXPECT_THAT(upsampled({1, 10}, "dilations=2"), ElementsAre(1.5, 2.5, 10.5, 20.5));
  EXPECT_THAT(upsampled({1, 10, 100}, "strides=2 auto_pad=\"SAME_UPPER\""),
              ElementsAre(1.5, 10.5, 102.5, 20.5));
  EXPECT_THAT(upsampled({1, 10, 100}, "strides=2 auto_pad=\"SAME_LOWER\""),
              ElementsAre(10.5, 102.5, 20.5, 200.5));
  EXPECT_THAT(upsampled({1, 10, 100}, "strides=2 output_shape=7"),
              ElementsAre(1.5, 10.5, 102.5, 20.5, 200.5, 0.5, 0.5));
}

TEST(ConvTranspose, KeepsGroupsApart) {
  const std::string nodes =
      "x = Input() shape=[1, 2, 1]\n"
      "y = ConvTranspose(x; weight=[2, 2, 1]) group=2\nreturn y";
  EXPECT_THAT(
      run(nodes, doubles({1, 2, 1}, {1, 10}), {{"y.weight", doubles({2, 2, 1}, {1, 2, 3, 4})}}),
      ElementsAre(1, 2, 30, 40));
}

// oneDNN's own gradient hangs, dies or is wrong for fewer channels than it takes at a time.
TEST(Conv, OneTapWithAStrideHasTheGradientOfTheWeightsInAnyMemoryOrder) {
  Random random(7);
  for (const int64_t channels : {1, 3, 4, 7, 8, 12, 20}) {
    const std::string width = std::to_string(channels);
    const Graph graph =
        graph_of("x = Input() shape=[1, " + width + ", 32, 32]\n" + "y = Conv(x; weight=[8, " +
                 width + ", 1, 1]) strides=[2, 2]\n" + "return y");
    const at::Tensor images = random_doubles({32, channels, 32, 32}, random, -1, 1);
    const at::Tensor weight = random_doubles({8, channels, 1, 1}, random, -1, 1);
    const at::Tensor picks = random_doubles({32, 8, 16, 16}, random, -0.1, 0.1);
    const auto gradient = [&](at::ScalarType type, at::MemoryFormat order) {
      const auto laid_out = [&](const at::Tensor& tensor) {
        return tensor.to(type).contiguous(order);
      };
      const at::Tensor leaf = laid_out(weight.clone()).requires_grad_();
      const GraphModule module(graph, {{"y.weight", leaf}});
      (module.forward(laid_out(images)) * laid_out(picks)).sum().backward();
      return leaf.grad().to(at::kDouble);
    };
    // By hand: each tap is the sum over images and positions of what is read times what is picked.
    const at::Tensor read = images.slice(2, 0, std::nullopt, 2).slice(3, 0, std::nullopt, 2);
    const at::Tensor expected =
        (picks.unsqueeze(2) * read.unsqueeze(1)).sum(at::IntArrayRef{0, 3, 4});
    for (const auto order : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
      for (const auto type : {at::kFloat, at::kDouble}) {
        const at::Tensor difference = gradient(type, order).flatten(1) - expected;
        EXPECT_LT(difference.abs().max().item<double>(), 1e-4) << channels << " channels";
      }
    }
  }
}

struct Adjoint {
  Shape input;
  Shape weight;
  std::string attributes;
};

class Adjoints : public ::testing::TestWithParam<Adjoint> {};

// ConvTranspose is the transposed matrix of Conv with the same weight: ⟨conv(x), y⟩ = ⟨x,
// convᵀ(y)⟩.
TEST_P(Adjoints, OfConv) {
  const auto& [shape, weight_shape, attributes] = GetParam();
  const std::string weight = "weight=" + format_shape(weight_shape);
  const auto input = [](const Shape& of) { return "x = Input() shape=" + format_shape(of) + "\n"; };
  const Graph down =
      graph_of(input(shape) + "y = Conv(x; " + weight + ") " + attributes + "\nreturn y");
  const Shape made = down[down.outputs()[0]].shape;
  const Graph up =
      graph_of(input(made) + "y = ConvTranspose(x; " + weight + ") " + attributes + "\nreturn y");
  ASSERT_EQ(up[up.outputs()[0]].shape, shape);
  Random random(3);
  const Params params = random_double_params(down, random);
  const at::Tensor x = random_doubles(batch_of(2, shape), random, -1, 1);
  const at::Tensor y = random_doubles(batch_of(2, made), random, -1, 1);
  const double left = (GraphModule(down, params).forward(x) * y).sum().item<double>();
  const double right = (GraphModule(up, params).forward(y) * x).sum().item<double>();
  EXPECT_NEAR(left, right, 1e-12 * std::abs(left));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes,
    Adjoints,
    ::testing::Values(
        Adjoint{{1, 2, 7}, {3, 2, 3}, "strides=2 pads=[1, 1]"},
        Adjoint{{1, 4, 9, 6},
                {6, 2, 3, 2},
                "strides=[2, 3] dilations=[2, 1] pads=[0, 1, 2, 1] group=2"},
        Adjoint{{1, 3, 5, 5}, {6, 1, 3, 3}, "pads=[1, 1, 1, 1] group=3"},
        Adjoint{{1, 2, 4, 5, 6}, {2, 2, 2, 3, 2}, "strides=[2, 1, 2] pads=[0, 1, 0, 0, 1, 0]"}));

TEST(MatMul, MultipliesByItsWeightOrByAValue) {
  EXPECT_THAT(run("x = Input() shape=[1, 2, 2]\ny = MatMul(x; weight=[2, 1])\nreturn y",
                  doubles({1, 2, 2}, {1, 2, 3, 4}),
                  {{"y.weight", doubles({2, 1}, {1, 10})}}),
              ElementsAre(21, 43));
  EXPECT_THAT(run("x = Input() shape=[1, 2, 2]\ny = MatMul(x, x)\nreturn y",
                  doubles({2, 2, 2}, {1, 2, 3, 4, 0, 1, 1, 0})),
              ElementsAre(7, 10, 15, 22, 1, 0, 0, 1));
}

}  // namespace
}  // namespace morph
