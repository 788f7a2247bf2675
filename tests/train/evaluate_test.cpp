#include "morph/train/evaluate.h"

#include "train/fixtures.h"
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

namespace morph {
namespace {

/// Returns the two pixels as they are.
GraphModule pass_through() {
  GraphModule module = test::make_module(test::kTwoPixels);
  module.param(*module.graph().find("fc"), "weight")
      .detach()
      .copy_(at::tensor({1, 0, 0, 1}).view({2, 2}));
  module.param(*module.graph().find("fc"), "bias").detach().zero_();
  return module;
}

const Normalization kUnchanged = {.mean = {0}, .stddev = {1}};

TEST(Evaluate, CountsEveryExampleOfAnIncompleteLastBatch) {
  GraphModule module = pass_through();
  const test::PixelPairs data({{255, 0, 0}, {0, 255, 1}, {255, 0, 1}, {255, 0, 0}, {0, 255, 0}});
  const Evaluation evaluation = evaluate(module, data, kUnchanged, 2);
  EXPECT_EQ(evaluation.examples, 5);
  EXPECT_DOUBLE_EQ(evaluation.top1, 60);
  // ln(1 + 1/e) where right, ln(1 + e) where wrong: 0.3132617 and 1.3132617.
  EXPECT_NEAR(evaluation.loss, 0.7132617, 1e-6);
}

TEST(Evaluate, DoesNotDependOnTheBatchSize) {
  GraphModule module = test::make_module(test::kTinyNetwork);
  const DataSplits data = test::stripes();
  const Normalization normalization = measure_normalization(*data.train);
  const Evaluation small = evaluate(module, *data.test, normalization, 7);
  const Evaluation large = evaluate(module, *data.test, normalization, 50);
  EXPECT_EQ(small.examples, 50);
  EXPECT_EQ(small.top1, large.top1);
  EXPECT_NEAR(small.loss, large.loss, 1e-5);
}

TEST(Evaluate, LeavesModeGradientsAndStatisticsAlone) {
  GraphModule module = test::make_module(test::kTinyNetwork);
  const DataSplits data = test::stripes();
  const at::Tensor mean = module.param(*module.graph().find("bn1"), "running_mean");
  const at::Tensor before = mean.clone();
  module.set_training(true);
  evaluate(module, *data.test, measure_normalization(*data.train));
  EXPECT_TRUE(module.training());
  EXPECT_TRUE(at::equal(mean, before));
  EXPECT_FALSE(module.parameters().front().second.grad().defined());
  module.set_training(false);
  evaluate(module, *data.test, measure_normalization(*data.train));
  EXPECT_FALSE(module.training());
}

}  // namespace
}  // namespace morph
