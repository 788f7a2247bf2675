#include "morph/train/batch_norm.h"

#include "expect_error.h"
#include "train/fixtures.h"
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/tensor.h>

#include "morph/data/loader.h"
#include "morph/train/evaluate.h"

namespace morph {
namespace {

/// Normalises one-channel images of two pixels.
std::string pixel_norm(const std::string& attributes) {
  return cat("morph 1\nnetwork \"norm\"\ninput = Input() shape=[1, 1, 1, 2]\n",
             "bn = BatchNormalization(input; bias=[1], running_mean=[1], running_var=[1], ",
             "weight=[1]) ",
             attributes,
             "\nreturn bn\n");
}

Loader loader_of(std::vector<test::PixelPairs::Example> examples, int64_t batch_size) {
  return Loader(std::make_shared<test::PixelPairs>(std::move(examples)),
                {.batch_size = batch_size, .normalization = {.mean = {0}, .stddev = {1.0 / 255}}});
}

TEST(ReestimateBatchNorm, AveragesOverBatchesByHand) {
  for (const char* momentum : {"", "momentum=0.0", "momentum=0.99"}) {
    GraphModule module = test::make_module(pixel_norm(momentum));
    module.set_training(false);
    // Batches {2, 4, 6, 8} and {10, 10, 20, 20}: means 5 and 15, variances (of a sample, n - 1)
    // 20/3 and 100/3.
    Loader loader = loader_of({{2, 4, 0}, {6, 8, 0}, {10, 10, 0}, {20, 20, 0}}, 2);
    reestimate_batch_norm(module, loader, 10);
    EXPECT_NEAR(module.params().at("bn.running_mean").item<float>(), 10, 1e-4) << momentum;
    EXPECT_NEAR(module.params().at("bn.running_var").item<float>(), 20, 2e-4) << momentum;
    EXPECT_FALSE(module.training());
    reestimate_batch_norm(module, loader, 1);
    EXPECT_NEAR(module.params().at("bn.running_mean").item<float>(), 5, 1e-4) << momentum;
  }
}

TEST(ReestimateBatchNorm, StatisticsSharedByTwoNodesAreAveragedToo) {
  const std::string text = R"(morph 1
network "shared"
input = Input() shape=[1, 1, 1, 2]
a = BatchNormalization(input; bias=[1], running_mean=[1], running_var=[1], weight=[1])
b = BatchNormalization(input; bias=[1] @ a.bias, running_mean=[1] @ a.running_mean, running_var=[1] @ a.running_var, weight=[1] @ a.weight)
sum = Add(a, b)
return sum
)";
  GraphModule module = test::make_module(text);
  Loader loader = loader_of({{2, 4, 0}, {6, 8, 0}}, 2);
  reestimate_batch_norm(module, loader, 1);
  EXPECT_NEAR(module.params().at("a.running_mean").item<float>(), 5, 1e-5);
}

TEST(ReestimateBatchNorm, MakesEvalModeNormaliseWhatWasSeen) {
  GraphModule module = test::make_module(test::kTinyNetwork);
  const DataSplits data = test::stripes();
  Loader loader(data.train,
                {.batch_size = 200, .normalization = measure_normalization(*data.train)});
  reestimate_batch_norm(module, loader, 1);
  loader.start_epoch(0);
  const Batch batch = *loader.next();
  module.set_training(false);
  const std::vector<at::Tensor> inputs = {batch.images};
  const size_t bn2 = index(*module.graph().find("bn2"));
  const at::Tensor normalised = module.forward_all(inputs)[bn2].detach();
  const at::Tensor mean = normalised.mean({0, 2, 3});
  const at::Tensor variance = normalised.square().mean({0, 2, 3}).sub(mean.square());
  // Each channel has mean 0 and variance 1, up to epsilon = 1e-5 beside variances of about 1 and
  // n / (n - 1) with n = 200 · 36.
  EXPECT_LT(mean.abs().max().item<float>(), 1e-3);
  EXPECT_LT(variance.sub(1).abs().max().item<float>(), 1e-3);
}

TEST(ReestimateBatchNorm, TouchesNothingElse) {
  GraphModule module = test::make_module(test::kTinyNetwork);
  const at::Tensor weight = module.params().at("bn1.weight").detach().clone();
  const DataSplits data = test::stripes();
  Loader loader(data.train,
                {.batch_size = 50, .normalization = measure_normalization(*data.train)});
  const at::Tensor mean = module.params().at("bn1.running_mean").clone();
  reestimate_batch_norm(module, loader, 0);
  EXPECT_TRUE(at::equal(module.params().at("bn1.running_mean"), mean));
  reestimate_batch_norm(module, loader, 2);
  EXPECT_TRUE(at::equal(module.params().at("bn1.weight"), weight));
  EXPECT_FALSE(at::equal(module.params().at("bn1.running_mean"), mean));
  EXPECT_FALSE(module.parameters().front().second.grad().defined());
  EXPECT_TRUE(module.training());
}

TEST(ReestimateBatchNorm, RefusesStatisticsThatNeverMove) {
  GraphModule module = test::make_module(pixel_norm("momentum=1.0"));
  Loader loader = loader_of({{2, 4, 0}, {6, 8, 0}}, 2);
  EXPECT_ERROR(reestimate_batch_norm(module, loader, 1),
               "[bn: BatchNormalization] has momentum 1, so its statistics cannot be estimated");
}

}  // namespace
}  // namespace morph
