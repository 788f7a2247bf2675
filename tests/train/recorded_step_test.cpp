#include "expect_error.h"
#include "gpu.h"
#include "train/fixtures.h"
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include "morph/train/trainer.h"

namespace morph {
namespace {

/// Pulls all BN scales down by a slope that the host changes from step to step.
class ChangingSlope final : public Penalty {
 public:
  explicit ChangingSlope(const GraphModule& module)
      : scale_(module.params().at("bn2.weight")),
        slope_(at::full({1}, 0.5F, scale_.detach().options())) {}

  at::Tensor add_gradient() override {
    scale_.grad().add_(slope_);
    return slope_.sum();
  }
  void after_step(int64_t steps) override { slope_.fill_(0.5 / static_cast<double>(1 + steps)); }

 private:
  at::Tensor scale_;
  at::Tensor slope_;
};

constexpr const char* kWithoutDropout = R"(morph 1
network "plain"
input = Input() shape=[1, 3, 12, 12]
conv1 = Conv(input; weight=[6, 3, 3, 3]) pads=[1, 1, 1, 1]
bn1 = BatchNormalization(conv1; bias=[6], running_mean=[6], running_var=[6], weight=[6])
relu1 = Relu(bn1)
conv2 = Conv(relu1; weight=[20, 6, 3, 3]) pads=[1, 1, 1, 1] strides=[2, 2]
bn2 = BatchNormalization(conv2; bias=[20], running_mean=[20], running_var=[20], weight=[20])
relu2 = Relu(bn2)
pool = GlobalAveragePool(relu2)
flat = Flatten(pool)
fc = Gemm(flat; bias=[4], weight=[4, 20])
return fc
)";

TrainSummary train(const TrainOptions& options,
                   GraphModule& module,
                   const GraphModule* teacher = nullptr) {
  Trainer trainer(module, test::stripes(205), options);
  ChangingSlope slope(module);
  trainer.set_penalty(&slope);
  trainer.set_teacher(teacher);
  return trainer.run();
}

class RecordedStepTest : public test::GpuTest {
 protected:
  static GraphModule module() {
    GraphModule made = test::make_module(kWithoutDropout);
    made.to(*test::gpu());
    return made;
  }

  /// Trains recorded and from the host, and compares.
  static void expect_equal_to_eager(const TrainOptions& options, const GraphModule* teacher) {
    TrainOptions eager_options = options;
    eager_options.eager = true;
    GraphModule recorded = module();
    GraphModule eager = module();
    const TrainSummary one = train(options, recorded, teacher);
    const TrainSummary other = train(eager_options, eager, teacher);
    for (size_t epoch = 0; epoch < one.epochs.size(); ++epoch) {
      // Convolutions may run by other algorithms; the difference grows with the steps.
      EXPECT_NEAR(one.epochs[epoch].loss, other.epochs[epoch].loss, 1e-2);
      EXPECT_NEAR(one.epochs[epoch].penalty, other.epochs[epoch].penalty, 1e-6);
    }
    for (const auto& [name, tensor] : recorded.params()) {
      const at::Tensor difference = tensor.detach().sub(eager.params().at(name).detach());
      EXPECT_LT(difference.abs().max().item<float>(), 2e-2F) << name;
    }
  }
};

// 11 steps an epoch, the last of 5 examples: warm-up, recording, replays and a short batch.
TEST_F(RecordedStepTest, TrainsAsTheSameStepsLaunchedFromTheHost) {
  expect_equal_to_eager({.epochs = 3, .batch_size = 20, .crop_padding = 2, .seed = 3}, nullptr);
}

TEST_F(RecordedStepTest, LearnsFromATeacherAsTheSameStepsLaunchedFromTheHost) {
  GraphModule teacher = test::make_module(kWithoutDropout, 7);
  teacher.to(*test::gpu());
  teacher.set_training(false);
  expect_equal_to_eager(
      {.epochs = 3, .batch_size = 20, .distillation = 0.7, .temperature = 3, .seed = 3}, &teacher);
}

TEST_F(RecordedStepTest, LearnsWithDropoutAndMixedPrecision) {
  GraphModule network = test::make_module(test::kTinyNetwork);
  network.to(*test::gpu());
  const TrainOptions options = {
      .epochs = 6, .batch_size = 25, .learning_rate = 0.1, .flip = false, .mixed_precision = true};
  EXPECT_GT(Trainer(network, test::stripes(), options).run().final.top1, 90);
}

/// Waits for the device in every step.
class Waiting final : public Penalty {
 public:
  explicit Waiting(const GraphModule& module) : scale_(module.params().at("bn2.weight")) {}
  at::Tensor add_gradient() override {
    return at::full({}, scale_.sum().item<float>(), scale_.detach().options());
  }

 private:
  at::Tensor scale_;
};

TEST_F(RecordedStepTest, APenaltyThatWaitsIsRefusedWithTheRemedy) {
  GraphModule network = module();
  Trainer trainer(network, test::stripes(), {.epochs = 1, .batch_size = 20});
  Waiting waiting(network);
  trainer.set_penalty(&waiting);
  EXPECT_ERROR(trainer.run(), "eager");
}

}  // namespace
}  // namespace morph
