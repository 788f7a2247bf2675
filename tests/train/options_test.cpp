#include <cmath>
#include <limits>

#include "expect_error.h"

#include "morph/train/trainer.h"

namespace morph {
namespace {

TEST(TrainOptions, DefaultsAreInRange) { EXPECT_NO_THROW(validate(TrainOptions{})); }

TEST(TrainOptions, EachOutOfRangeIsNamedWithItsValueAndRange) {
  EXPECT_ERROR(validate({.epochs = 0}), "epochs is 0, expected at least 1");
  EXPECT_ERROR(validate({.batch_size = 1}), "batch_size is 1, expected at least 2");
  EXPECT_ERROR(validate({.learning_rate = 0}), "learning_rate is 0, expected a positive number");
  EXPECT_ERROR(validate({.learning_rate = std::nan("")}), "learning_rate is nan");
  EXPECT_ERROR(validate({.final_rate = 1.5}), "final_rate is 1.5, expected a share");
  EXPECT_ERROR(validate({.epochs = 4, .warmup_epochs = 5}),
               "warmup_epochs is 5, expected 0 to the number of epochs, 4");
  EXPECT_ERROR(validate({.warmup_epochs = -1}), "warmup_epochs is -1");
  EXPECT_ERROR(validate({.momentum = 1}), "momentum is 1, expected 0 up to, not including, 1");
  EXPECT_ERROR(validate({.weight_decay = -1e-4}), "weight_decay is -0.0001");
  EXPECT_ERROR(validate({.weight_decay = std::numeric_limits<double>::infinity()}),
               "weight_decay is inf");
  EXPECT_ERROR(validate({.label_smoothing = 1}), "label_smoothing is 1");
  EXPECT_ERROR(validate({.distillation = 1.5}), "distillation is 1.5, expected 0 to 1");
  EXPECT_ERROR(validate({.temperature = 0}), "temperature is 0, expected a positive number");
  EXPECT_ERROR(validate({.crop_padding = -1}), "crop_padding is -1, expected at least 0 pixels");
  EXPECT_ERROR(validate({.workers = 0}), "workers is 0, expected at least 1 thread");
}

TEST(LearningRate, RisesLinearlyThenFallsAsACosine) {
  const TrainOptions options = {.epochs = 4, .learning_rate = 0.1, .warmup_epochs = 1};
  EXPECT_NEAR(learning_rate_at(options, 0, 10), 0.01, 1e-12);
  EXPECT_NEAR(learning_rate_at(options, 4, 10), 0.05, 1e-12);
  EXPECT_NEAR(learning_rate_at(options, 9, 10), 0.1, 1e-12);
  EXPECT_NEAR(learning_rate_at(options, 10, 10), 0.1, 1e-12);
  EXPECT_NEAR(learning_rate_at(options, 20, 10), 0.075, 1e-12);  // A third of the way: cos 60°.
  EXPECT_NEAR(learning_rate_at(options, 25, 10), 0.05, 1e-12);
  EXPECT_NEAR(learning_rate_at(options, 30, 10), 0.025, 1e-12);
  EXPECT_NEAR(learning_rate_at(options, 39, 10), 0.1 * 0.00273905, 1e-9);  // cos 174° = -0.9945219.
}

TEST(LearningRate, EndsNearTheFinalShare) {
  const TrainOptions options = {
      .epochs = 4, .learning_rate = 0.1, .final_rate = 0.1, .warmup_epochs = 0};
  EXPECT_NEAR(learning_rate_at(options, 0, 10), 0.1, 1e-12);
  EXPECT_NEAR(learning_rate_at(options, 20, 10), 0.055, 1e-12);
  EXPECT_NEAR(learning_rate_at(options, 40, 10), 0.01, 1e-12);
}

TEST(LearningRate, WarmUpMayEndWithinAnEpochOrWithTheRun) {
  const TrainOptions part = {.epochs = 2, .learning_rate = 1, .warmup_epochs = 0.25};
  EXPECT_NEAR(learning_rate_at(part, 0, 10), 0.4, 1e-12);
  EXPECT_NEAR(learning_rate_at(part, 1, 10), 0.8, 1e-12);
  EXPECT_NEAR(learning_rate_at(part, 2, 10), 1.0, 1e-12);
  EXPECT_LT(learning_rate_at(part, 3, 10), 1.0);
  const TrainOptions all = {.epochs = 1, .learning_rate = 1, .warmup_epochs = 1};
  EXPECT_NEAR(learning_rate_at(all, 9, 10), 1.0, 1e-12);
}

TEST(EpochReport, SurvivesJson) {
  EpochReport report = {.epoch = 2,
                        .epochs = 3,
                        .loss = 0.1,
                        .penalty = 0.2,
                        .learning_rate = 0.3,
                        .train_top1 = 40,
                        .test = {.loss = 0.5, .top1 = 60, .examples = 7},
                        .seconds = 8,
                        .images_per_second = 9,
                        .extra = {{"flops", 10}}};
  const EpochReport back = parse_epoch_report(nlohmann::json::parse(describe(report).dump()));
  EXPECT_EQ(describe(back), describe(report));
  EXPECT_EQ(back.loss, 0.1);
  EXPECT_EQ(back.test.examples, 7);
  report.test.loss = std::nan("");
  EXPECT_TRUE(
      std::isnan(parse_epoch_report(nlohmann::json::parse(describe(report).dump())).test.loss));
}

}  // namespace
}  // namespace morph
