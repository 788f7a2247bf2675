#include "morph/train/trainer.h"

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "expect_error.h"
#include "train/fixtures.h"
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

namespace morph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::map<std::string, at::Tensor> values(const GraphModule& module) {
  std::map<std::string, at::Tensor> copies;
  for (const auto& [name, tensor] : module.params()) copies[name] = tensor.detach().clone();
  return copies;
}

double element(at::Tensor tensor, const std::vector<int64_t>& indices) {
  for (const int64_t i : indices) tensor = tensor.select(0, i);
  return tensor.item<float>();
}

/// Trains the tiny network on stripes and returns its tensors.
std::map<std::string, at::Tensor> train_tiny(const TrainOptions& options) {
  GraphModule module = test::make_module(test::kTinyNetwork);
  Trainer(module, test::stripes(), options).run();
  return values(module);
}

DataSplits pixel_pairs() {
  const std::vector<test::PixelPairs::Example> examples = {
      {255, 0, 0}, {0, 255, 1}, {255, 0, 0}, {0, 255, 1}};
  return {.name = "pairs",
          .train = std::make_shared<test::PixelPairs>(examples),
          .test = std::make_shared<test::PixelPairs>(examples)};
}

/// Options under which a run is one plain step on all of pixel_pairs().
const TrainOptions kOneStep = {.epochs = 1,
                               .batch_size = 4,
                               .learning_rate = 0.1,
                               .warmup_epochs = 0,
                               .momentum = 0,
                               .weight_decay = 0,
                               .flip = false};

TEST(Trainer, TinyNetworkLearnsStripes) {
  GraphModule module = test::make_module(test::kTinyNetwork);
  const TrainOptions options = {.epochs = 6, .batch_size = 25, .learning_rate = 0.1, .flip = false};
  const TrainSummary summary = Trainer(module, test::stripes(), options).run();
  ASSERT_EQ(summary.epochs.size(), 6U);
  EXPECT_GT(summary.final.top1, 90);
  EXPECT_EQ(summary.final.examples, 50);
  EXPECT_LT(summary.epochs.back().loss, summary.epochs.front().loss);
  EXPECT_EQ(summary.epochs.back().epoch, 6);
  EXPECT_EQ(summary.epochs.back().test.top1, summary.final.top1);
  EXPECT_GT(summary.epochs.back().images_per_second, 0);
}

TEST(Trainer, IsAFunctionOfTheSeed) {
  const TrainOptions options = {.epochs = 2, .batch_size = 20, .seed = 5};
  TrainOptions more_workers = options;
  more_workers.workers = 3;
  TrainOptions other_seed = options;
  other_seed.seed = 6;
  const auto first = train_tiny(options);
  const auto second = train_tiny(more_workers);
  const auto third = train_tiny(other_seed);
  for (const auto& [name, tensor] : first) {
    EXPECT_TRUE(at::equal(tensor, second.at(name))) << name;
  }
  EXPECT_FALSE(at::equal(first.at("conv1.weight"), third.at("conv1.weight")));
}

TEST(Trainer, OneStepByHand) {
  GraphModule module = test::make_module(test::kTwoPixels);
  const at::Tensor weight = module.params().at("fc.weight");
  weight.detach().zero_();
  module.params().at("fc.bias").detach().zero_();
  const TrainSummary summary = Trainer(module, pixel_pairs(), kOneStep).run();
  // Outputs are 0, so both classes have probability 1/2 and the loss is ln 2. Each pixel is at ±1
  // after normalisation (mean 1/2, deviation 1/2), +1 on the side of its class: the gradient of
  // the weight of class c and pixel p is the mean of (1/2 - [c is right]) * x_p = -1/2 on the
  // diagonal and +1/2 off it; that of the bias is 0.
  EXPECT_NEAR(summary.epochs[0].loss, 0.6931472, 1e-6);
  EXPECT_NEAR(element(weight, {0, 0}), 0.05, 1e-5);
  EXPECT_NEAR(element(weight, {0, 1}), -0.05, 1e-5);
  EXPECT_NEAR(element(weight, {1, 1}), 0.05, 1e-5);
  EXPECT_NEAR(module.params().at("fc.bias").abs().max().item<float>(), 0, 1e-6);
  EXPECT_NEAR(summary.epochs[0].learning_rate, 0.1, 1e-12);
}

TEST(Trainer, SmoothsTheLabels) {
  GraphModule module = test::make_module(test::kTwoPixels);
  // Pixels of ±1 become outputs that differ by 1, the right one ahead.
  module.params().at("fc.weight").detach().copy_(at::tensor({0.5, 0.0, 0.0, 0.5}).view({2, 2}));
  module.params().at("fc.bias").detach().zero_();
  TrainOptions options = kOneStep;
  options.label_smoothing = 0.2;
  const TrainSummary summary = Trainer(module, pixel_pairs(), options).run();
  // Targets 0.9 and 0.1: 0.9 * ln(1 + 1/e) + 0.1 * ln(1 + e).
  EXPECT_NEAR(summary.epochs[0].loss, 0.4132617, 1e-6);
  EXPECT_EQ(summary.epochs[0].train_top1, 100);
}

/// Outputs that differ by `gap` for pixels of ±1, the right one ahead.
GraphModule pixel_reader(double gap) {
  GraphModule module = test::make_module(test::kTwoPixels);
  module.params()
      .at("fc.weight")
      .detach()
      .copy_(at::tensor({gap / 2, 0.0, 0.0, gap / 2}).view({2, 2}));
  module.params().at("fc.bias").detach().zero_();
  return module;
}

TEST(Trainer, ListensToATeacher) {
  GraphModule module = pixel_reader(1);
  GraphModule teacher = pixel_reader(2);
  teacher.set_training(false);
  TrainOptions options = kOneStep;
  options.distillation = 0.25;
  options.temperature = 2;
  Trainer trainer(module, pixel_pairs(), options);
  EXPECT_ERROR(trainer.run(), "distillation needs a teacher");
  trainer.set_teacher(&teacher);
  // 3/4 of ln(1 + 1/e), and 1/4 of 2² times the distance of (0.7311, 0.2689) from (0.6225, 0.3775).
  EXPECT_NEAR(trainer.run().epochs[0].loss, 0.2612909, 1e-6);
  EXPECT_FALSE(teacher.params().at("fc.weight").grad().defined());
}

TEST(Trainer, ATeacherAloneLeadsToItsOutputs) {
  GraphModule module = pixel_reader(0);
  GraphModule teacher = pixel_reader(3);
  teacher.set_training(false);
  TrainOptions options = kOneStep;
  options.epochs = 60;
  options.learning_rate = 0.5;
  options.distillation = 1;
  options.temperature = 1;
  Trainer trainer(module, pixel_pairs(), options);
  trainer.set_teacher(&teacher);
  EXPECT_NEAR(trainer.run().epochs.back().loss, 0, 1e-3);
  const at::Tensor weight = module.params().at("fc.weight").detach();
  EXPECT_NEAR(element(weight, {0, 0}) - element(weight, {1, 0}), 1.5, 0.1);
}

TEST(Trainer, ATeacherHasTheShapesOfThePupil) {
  GraphModule module = pixel_reader(1);
  GraphModule other = test::make_module(test::kTinyNetwork);
  other.set_training(false);
  TrainOptions options = kOneStep;
  options.distillation = 0.5;
  Trainer trainer(module, pixel_pairs(), options);
  trainer.set_teacher(&other);
  EXPECT_ERROR(trainer.run(), "the teacher 'tiny' takes or returns other shapes than 'two-pixels'");
}

/// Done after so many epochs.
class Enough final : public Callback {
 public:
  explicit Enough(int64_t epochs) : epochs_(epochs) {}
  void on_epoch(EpochReport& report) override { seen_ = report.epoch; }
  bool is_done() const override { return seen_ >= epochs_; }
  nlohmann::json save() const override { return seen_; }
  void restore(const nlohmann::json& state) override { seen_ = state; }

 private:
  int64_t epochs_;
  int64_t seen_ = 0;
};

TEST(Trainer, EndsWhereACallbackIsDone) {
  const test::ScratchFolder scratch("enough");
  TrainOptions options = kOneStep;
  options.epochs = 9;
  GraphModule module = test::make_module(test::kTwoPixels);
  Enough enough(3);
  Trainer trainer(module, pixel_pairs(), options);
  trainer.add_callback(&enough);
  trainer.checkpoint_to(scratch.path());
  const TrainSummary summary = trainer.run();
  EXPECT_EQ(summary.epochs.size(), 3U);
  EXPECT_EQ(summary.final.top1, summary.epochs.back().test.top1);

  // Gone on with, it is still done.
  GraphModule again = test::make_module(test::kTwoPixels);
  Enough same(3);
  Trainer second(again, pixel_pairs(), options);
  second.add_callback(&same);
  ASSERT_TRUE(second.resume_from(scratch.path()));
  EXPECT_EQ(second.run().epochs.size(), 3U);
}

/// Pulls one tensor down with a constant slope.
class Slope : public Penalty {
 public:
  Slope(at::Tensor tensor, double slope) : tensor_(std::move(tensor)), slope_(slope) {}

  at::Tensor add_gradient() override {
    ++calls;
    tensor_.grad().add_(slope_);
    return at::full({}, 7.0);
  }

  int calls = 0;

 private:
  at::Tensor tensor_;
  double slope_;
};

TEST(Trainer, AddsThePenaltysGradientToThatOfTheLoss) {
  GraphModule plain = test::make_module(test::kTwoPixels);
  Trainer(plain, pixel_pairs(), kOneStep).run();
  GraphModule pulled = test::make_module(test::kTwoPixels);
  Trainer trainer(pulled, pixel_pairs(), kOneStep);
  Slope slope(pulled.params().at("fc.bias"), 2);
  trainer.set_penalty(&slope);
  const TrainSummary summary = trainer.run();
  EXPECT_EQ(slope.calls, 1);
  EXPECT_EQ(summary.epochs[0].penalty, 7);
  const at::Tensor difference = plain.params().at("fc.bias").sub(pulled.params().at("fc.bias"));
  EXPECT_NEAR(element(difference, {0}), 0.1 * 2, 1e-6);
  EXPECT_NEAR(element(difference, {1}), 0.1 * 2, 1e-6);
  EXPECT_TRUE(at::equal(plain.params().at("fc.weight"), pulled.params().at("fc.weight")));
}

/// Odd widths, and an activation of which zero is not a fixed point, read without a
/// BatchNormalization in between: what is added there must be kept from learning.
constexpr const char* kOddWidths = R"(morph 1
network "odd"
input = Input() shape=[1, 3, 12, 12]
conv1 = Conv(input; weight=[14, 3, 3, 3]) pads=[1, 1, 1, 1]
bn1 = BatchNormalization(conv1; bias=[14], running_mean=[14], running_var=[14], weight=[14])
relu1 = Relu(bn1)
conv2 = Conv(relu1; bias=[21], weight=[21, 14, 3, 3]) pads=[1, 1, 1, 1] strides=[2, 2]
act2 = Sigmoid(conv2)
conv3 = Conv(act2; weight=[13, 21, 3, 3]) pads=[1, 1, 1, 1] strides=[2, 2]
bn3 = BatchNormalization(conv3; bias=[13], running_mean=[13], running_var=[13], weight=[13])
relu3 = Relu(bn3)
pool = GlobalAveragePool(relu3)
flat = Flatten(pool)
fc = Gemm(flat; bias=[4], weight=[4, 13])
return fc
)";

TEST(Trainer, PaddedChannelsChangeNothing) {
  TrainOptions options = {
      .epochs = 2, .batch_size = 20, .warmup_epochs = 0, .pad_channels = 1, .seed = 5};
  GraphModule plain = test::make_module(kOddWidths);
  GraphModule padded = test::make_module(kOddWidths);
  const TrainSummary expected = Trainer(plain, test::stripes(), options).run();
  options.pad_channels = 8;
  const TrainSummary summary = Trainer(padded, test::stripes(), options).run();
  for (size_t epoch = 0; epoch < 2; ++epoch) {
    EXPECT_NEAR(summary.epochs[epoch].loss, expected.epochs[epoch].loss, 1e-4);
    EXPECT_NEAR(summary.epochs[epoch].test.loss, expected.epochs[epoch].test.loss, 1e-3);
  }
  for (const auto& [name, tensor] : plain.params()) {
    const at::Tensor difference = tensor.detach().sub(padded.params().at(name).detach());
    EXPECT_LT(difference.abs().max().item<float>(), 2e-3F) << name;
  }
  EXPECT_NEAR(
      evaluate(padded, *test::stripes().test, measure_normalization(*test::stripes().train)).loss,
      summary.final.loss,
      1e-4);
}

TEST(Trainer, APenaltyMeetsTheNetworkAsItIs) {
  GraphModule plain = test::make_module(kOddWidths);
  GraphModule module = test::make_module(kOddWidths);
  TrainOptions options = {.epochs = 1, .batch_size = 20, .pad_channels = 1, .seed = 5};
  const auto run = [](GraphModule& network, const TrainOptions& with) {
    Trainer trainer(network, test::stripes(), with);
    Slope slope(network.params().at("bn1.weight"), 0.5);
    trainer.set_penalty(&slope);
    trainer.run();
  };
  run(plain, options);
  options.pad_channels = 8;
  run(module, options);
  for (const auto& [name, tensor] : plain.params()) {
    EXPECT_TRUE(at::equal(tensor, module.params().at(name))) << name;
  }
}

/// Writes down what it is told.
class Diary : public Callback {
 public:
  explicit Diary(std::string name, std::vector<std::string>& lines)
      : name_(std::move(name)), lines_(lines) {}

  void on_epoch_start(int64_t epoch) override { lines_.push_back(cat(name_, " start ", epoch)); }
  void on_step(const StepReport& report) override {
    lines_.push_back(cat(
        name_, " step ", report.epoch, "/", report.epochs, " ", report.step, "/", report.steps));
  }
  void on_epoch(EpochReport& report) override {
    lines_.push_back(cat(name_, " end ", report.epoch, " ", report.extra.dump()));
    report.extra["seen by"] = name_;
  }

 private:
  std::string name_;
  std::vector<std::string>& lines_;
};

TEST(Trainer, TellsCallbacksInOrder) {
  std::vector<std::string> lines;
  Diary a("a", lines);
  Diary b("b", lines);
  GraphModule module = test::make_module(test::kTwoPixels);
  TrainOptions options = kOneStep;
  options.epochs = 2;
  Trainer trainer(module, pixel_pairs(), options);
  trainer.add_callback(&a);
  trainer.add_callback(&b);
  const TrainSummary summary = trainer.run();
  EXPECT_THAT(lines,
              ElementsAre("a start 1",
                          "b start 1",
                          "a step 1/2 1/1",
                          "b step 1/2 1/1",
                          "a end 1 {}",
                          R"(b end 1 {"seen by":"a"})",  //
                          "a start 2",
                          "b start 2",
                          "a step 2/2 1/1",
                          "b step 2/2 1/1",
                          "a end 2 {}",
                          R"(b end 2 {"seen by":"a"})"));
  EXPECT_EQ(summary.epochs[1].extra["seen by"], "b");
}

TEST(Trainer, SaysWhenItDiverges) {
  GraphModule module = test::make_module(test::kTinyNetwork);
  const TrainOptions options = {.epochs = 2, .batch_size = 20, .learning_rate = 1e30};
  Trainer trainer(module, test::stripes(), options);
  EXPECT_ERROR(trainer.run(), "training has diverged: at epoch 1, step 10 of 10");
  GraphModule another = test::make_module(test::kTinyNetwork);
  Trainer with_penalty(another, test::stripes(), options);
  Slope slope(another.params().at("fc.bias"), 0);
  with_penalty.set_penalty(&slope);
  EXPECT_ERROR(with_penalty.run(),
               "Lower the learning rate (--learning-rate, 1e+30 now) or the strength of the "
               "regularizer (--strength)");
}

TEST(Trainer, StopsWhenAsked) {
  GraphModule module = test::make_module(test::kTinyNetwork);
  Trainer trainer(module, test::stripes(), {.epochs = 2, .batch_size = 20});
  const std::atomic<bool> stop = true;
  trainer.stop_when(&stop);
  EXPECT_THROW(
      {
        try {
          trainer.run();
        } catch (const Interrupted& interrupted) {
          EXPECT_THAT(interrupted.what(), HasSubstr("stopped at epoch 1, step 1 of 10"));
          throw;
        }
      },
      Interrupted);
}

TEST(Trainer, RefusesDataThatDoNotFit) {
  GraphModule tiny = test::make_module(test::kTinyNetwork);
  EXPECT_ERROR(Trainer(tiny, pixel_pairs(), {}),
               "network 'tiny' takes [1, 3, 12, 12], the images of pairs are [1, 1, 1, 2]");
  const DataSplits three = make_synthetic(
      {.classes = 3, .shape = {.channels = 3, .height = 12, .width = 12}, .train = 9, .test = 9});
  EXPECT_ERROR(Trainer(tiny, three, {}), "returns [1, 4], synthetic has 3 classes");
  EXPECT_ERROR(Trainer(tiny, test::stripes(), {.epochs = -1}), "epochs is -1");
  EXPECT_ERROR(Trainer(tiny, DataSplits{}, {}), "training needs a training and a test set");
  const test::PixelPairs::Example one = {255, 0, 0};
  const DataSplits single = {.name = "single",
                             .train = std::make_shared<test::PixelPairs>(std::vector{one}),
                             .test = std::make_shared<test::PixelPairs>(std::vector{one})};
  GraphModule module = test::make_module(test::kTwoPixels);
  EXPECT_ERROR(Trainer(module, single, {}), "single has 1 images to train on, too few");
}

}  // namespace
}  // namespace morph
