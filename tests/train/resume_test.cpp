#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "expect_error.h"
#include "train/fixtures.h"
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>

#include "morph/base/file.h"
#include "morph/train/trainer.h"
#include "morph/train/training_checkpoint.h"

namespace morph {
namespace {

// Runs are stopped by a penalty, and with one nothing is padded.
const TrainOptions kOptions = {
    .epochs = 3, .batch_size = 20, .crop_padding = 1, .pad_channels = 1, .seed = 3};

/// Raises a flag at one of its calls.
class StopAt : public Penalty {
 public:
  explicit StopAt(int call) : call_(call) {}

  at::Tensor add_gradient() override {
    if (--call_ == 0) stop = true;
    return at::zeros({});
  }

  std::atomic<bool> stop = false;

 private:
  int call_;
};

std::map<std::string, at::Tensor> snapshot(const GraphModule& module) {
  std::map<std::string, at::Tensor> copies;
  for (const auto& [name, tensor] : module.params()) copies[name] = tensor.detach().clone();
  return copies;
}

/// Has state: the number of epochs that it was told of.
class Counter : public Callback {
 public:
  void on_epoch_start(int64_t) override { ++started; }
  void on_epoch(EpochReport& report) override { report.extra["count"] = ++ended; }
  nlohmann::json save() const override { return {{"started", started}, {"ended", ended}}; }
  void restore(const nlohmann::json& state) override {
    started = state.at("started");
    ended = state.at("ended");
  }

  int started = 0;
  int ended = 0;
};

/// Throws at a step, as a full disk or a bug would.
class ThrowAt : public Callback {
 public:
  ThrowAt(int64_t epoch, int64_t step) : epoch_(epoch), step_(step) {}

  void on_step(const StepReport& report) override {
    if (report.epoch == epoch_ && report.step == step_) throw Error("pulled the plug");
  }

 private:
  int64_t epoch_;
  int64_t step_;
};

class Resume : public ::testing::Test {
 protected:
  /// A run without interruption, whose result all others must have.
  TrainSummary run_through(GraphModule& module) {
    Trainer trainer(module, data_, kOptions);
    Counter counter;
    trainer.add_callback(&counter);
    return trainer.run();
  }

  /// Trains until `step` steps are done, leaving a checkpoint.
  void run_until(int step, const TrainOptions& options = kOptions) {
    GraphModule module = test::make_module(test::kTinyNetwork);
    Trainer trainer(module, data_, options);
    Counter counter;
    trainer.add_callback(&counter);
    StopAt penalty(step);
    trainer.set_penalty(&penalty);
    trainer.stop_when(&penalty.stop);
    trainer.checkpoint_to(folder_.path());
    EXPECT_THROW(trainer.run(), Interrupted);
  }

  void expect_resumed_run_is_the_same() {
    GraphModule straight = test::make_module(test::kTinyNetwork);
    const TrainSummary expected = run_through(straight);
    GraphModule module = test::make_module(test::kTinyNetwork, 99);
    Trainer trainer(module, data_, kOptions);
    Counter counter;
    trainer.add_callback(&counter);
    ASSERT_TRUE(trainer.resume_from(folder_.path()));
    trainer.checkpoint_to(folder_.path());
    const TrainSummary summary = trainer.run();
    for (const auto& [name, tensor] : straight.params()) {
      EXPECT_TRUE(at::equal(tensor, module.params().at(name))) << name;
    }
    ASSERT_EQ(summary.epochs.size(), 3U);
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(summary.epochs[i].loss, expected.epochs[i].loss);
      EXPECT_EQ(summary.epochs[i].train_top1, expected.epochs[i].train_top1);
      EXPECT_EQ(summary.epochs[i].test.loss, expected.epochs[i].test.loss);
      EXPECT_EQ(summary.epochs[i].extra, expected.epochs[i].extra);
    }
    EXPECT_EQ(counter.started, 3);
    EXPECT_EQ(counter.ended, 3);
  }

  /// Expects resuming the tiny network with `options` to fail with `message`.
  void expect_refused(const std::string& message, const TrainOptions& options = kOptions) {
    GraphModule module = test::make_module(test::kTinyNetwork);
    Trainer trainer(module, data_, options);
    Counter counter;
    trainer.add_callback(&counter);
    EXPECT_ERROR(trainer.resume_from(folder_.path()), message);
  }

  std::filesystem::path tensors() const {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      if (entry.path().extension() == ".safetensors") return entry.path();
    }
    return {};
  }

  void edit_json(const std::string& from, const std::string& to) {
    const std::filesystem::path file = checkpoint_file(folder_.path());
    std::string text = read_file(file);
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos);
    write_file(file, text.replace(at, from.size(), to));
  }

  DataSplits data_ = test::stripes();
  test::ScratchFolder folder_{::testing::UnitTest::GetInstance()->current_test_info()->name()};
};

TEST_F(Resume, FromWithinAnEpochIsBitIdentical) {
  run_until(14);
  expect_resumed_run_is_the_same();
}

TEST_F(Resume, FromTheLastStepOfAnEpochIsBitIdentical) {
  run_until(20);
  expect_resumed_run_is_the_same();
}

TEST_F(Resume, FromTheFirstStepIsBitIdentical) {
  run_until(1);
  expect_resumed_run_is_the_same();
}

TEST_F(Resume, AfterACallbackThrewGoesOnFromTheLastCheckpoint) {
  GraphModule module = test::make_module(test::kTinyNetwork);
  Trainer trainer(module, data_, kOptions);
  Counter counter;
  ThrowAt plug(2, 4);
  trainer.add_callback(&counter);
  trainer.add_callback(&plug);
  trainer.checkpoint_to(folder_.path(), /*minutes=*/0);
  EXPECT_ERROR(trainer.run(), "pulled the plug");
  expect_resumed_run_is_the_same();
}

TEST_F(Resume, FromTheEndOfAnEpochIsBitIdentical) {
  GraphModule module = test::make_module(test::kTinyNetwork);
  Trainer trainer(module, data_, kOptions);
  Counter counter;
  ThrowAt plug(2, 10);
  trainer.add_callback(&counter);
  trainer.add_callback(&plug);
  trainer.checkpoint_to(folder_.path());
  EXPECT_ERROR(trainer.run(), "pulled the plug");
  EXPECT_EQ(tensors().filename(), "checkpoint-1-0.safetensors");
  expect_resumed_run_is_the_same();
}

TEST_F(Resume, OfAFinishedRunTrainsNoMore) {
  GraphModule module = test::make_module(test::kTinyNetwork);
  Trainer trainer(module, data_, kOptions);
  trainer.checkpoint_to(folder_.path());
  const TrainSummary expected = trainer.run();
  GraphModule again = test::make_module(test::kTinyNetwork, 99);
  Trainer second(again, data_, kOptions);
  ASSERT_TRUE(second.resume_from(folder_.path()));
  const TrainSummary summary = second.run();
  EXPECT_EQ(summary.final.loss, expected.final.loss);
  EXPECT_TRUE(
      at::equal(again.params().at("bn2.running_var"), module.params().at("bn2.running_var")));
}

TEST_F(Resume, LeavesOneCheckpoint) {
  run_until(14);
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    names.push_back(entry.path().filename().string());
  }
  EXPECT_THAT(names,
              ::testing::UnorderedElementsAre("checkpoint.json", "checkpoint-1-4.safetensors"));
}

TEST_F(Resume, FindsNothingInAnEmptyFolder) {
  GraphModule module = test::make_module(test::kTinyNetwork);
  Trainer trainer(module, data_, kOptions);
  EXPECT_FALSE(trainer.resume_from(folder_.path()));
  EXPECT_FALSE(trainer.resume_from(folder_.path() / "nowhere"));
}

TEST_F(Resume, RunThatDoesNotResumeDropsTheOldCheckpoint) {
  run_until(14);
  GraphModule module = test::make_module(test::kTinyNetwork);
  Trainer trainer(module, data_, kOptions);
  ThrowAt plug(1, 10);
  trainer.add_callback(&plug);
  trainer.checkpoint_to(folder_.path());
  EXPECT_ERROR(trainer.run(), "pulled the plug");
  EXPECT_FALSE(std::filesystem::exists(checkpoint_file(folder_.path())));
}

TEST_F(Resume, RefusesOtherOptionsNamingTheFirst) {
  run_until(14);
  TrainOptions options = kOptions;
  options.learning_rate = 0.05;
  expect_refused("was made with learning_rate 0.1, this run has 0.05: go on with the same",
                 options);
  options = kOptions;
  options.workers = 2;
  GraphModule module = test::make_module(test::kTinyNetwork);
  Trainer trainer(module, data_, options);
  Counter counter;
  trainer.add_callback(&counter);
  EXPECT_TRUE(trainer.resume_from(folder_.path()));
}

TEST_F(Resume, RefusesOtherDataAndOtherCallbacks) {
  run_until(14);
  GraphModule module = test::make_module(test::kTinyNetwork);
  Trainer other_data(module, test::stripes(100), kOptions);
  EXPECT_ERROR(other_data.resume_from(folder_.path()),
               "was made with train_examples 200, this run has 100");
  Trainer no_callbacks(module, data_, kOptions);
  EXPECT_ERROR(no_callbacks.resume_from(folder_.path()),
               "holds the state of 1 callbacks, this run has 0");
}

TEST_F(Resume, RefusesAnotherNetworkNamingTheLine) {
  run_until(14);
  std::string text = test::kTinyNetwork;
  text.replace(text.find("relu2 = Relu"), 12, "relu2 = Tanh");
  GraphModule module = test::make_module(text);
  Trainer trainer(module, data_, kOptions);
  EXPECT_ERROR(trainer.resume_from(folder_.path()),
               "is of another network: line 9 of its graph is "
               "'relu2 = Relu(bn2)");
}

TEST_F(Resume, RefusesDamagedTensors) {
  run_until(14);
  std::filesystem::resize_file(tensors(), std::filesystem::file_size(tensors()) - 8);
  expect_refused("checkpoint-1-4.safetensors is damaged: it has ");
  run_until(14);
  std::string bytes = read_file(tensors());
  bytes.back() = static_cast<char>(bytes.back() + 1);
  write_file(tensors(), bytes);
  expect_refused("checkpoint-1-4.safetensors is damaged: its checksum is another");
  std::filesystem::remove(tensors());
  expect_refused("checkpoint-1-4.safetensors is damaged: the file is missing. Remove ");
}

TEST_F(Resume, RefusesDamagedJson) {
  run_until(14);
  edit_json("\"reports\"", "\"rapports\"");
  expect_refused("checkpoint.json is damaged: ");
  edit_json("\"version\": 1", "\"version\": 9");
  expect_refused("has version 9, this program reads version 1");
  edit_json("morphnet-checkpoint", "shopping-list");
  expect_refused("it is not a checkpoint of a training run");
  write_file(checkpoint_file(folder_.path()), "{\"format\": \"morph");
  expect_refused("checkpoint.json is damaged: ");
  expect_refused("to start over");
}

TEST_F(Resume, UnwritableFolderIsAnErrorBeforeTraining) {
  write_file(folder_.path() / "file", "");
  GraphModule module = test::make_module(test::kTinyNetwork);
  Trainer trainer(module, data_, kOptions);
  EXPECT_ERROR(trainer.checkpoint_to(folder_.path() / "file" / "below"),
               (folder_.path() / "file").string());
}

/// Asks for an end after the first step of the second epoch.
class StopInEpochTwo : public Callback {
 public:
  void on_epoch_start(int64_t epoch) override { stop = epoch == 2; }

  std::atomic<bool> stop = false;
};

// A checkpoint is of the network, not of how it was laid out for training.
TEST_F(Resume, PaddedChannelsStayOutOfTheCheckpoint) {
  TrainOptions padded = kOptions;
  padded.pad_channels = 4;
  const auto train = [&](const TrainOptions& options, bool resume) {
    GraphModule module = test::make_module(test::kTinyNetwork);
    Trainer trainer(module, data_, options);
    EXPECT_EQ(resume && trainer.resume_from(folder_.path()), resume);
    trainer.run();
    return snapshot(module);
  };
  const auto straight = train(padded, false);
  GraphModule module = test::make_module(test::kTinyNetwork);
  Trainer trainer(module, data_, padded);
  StopInEpochTwo callback;
  trainer.add_callback(&callback);
  trainer.stop_when(&callback.stop);
  trainer.checkpoint_to(folder_.path());
  EXPECT_THROW(trainer.run(), Interrupted);
  EXPECT_EQ(read_checkpoint(folder_.path())->tensors.at("conv1.weight").size(0), 6);
  const auto again = train(padded, true);
  const auto unpadded = train(kOptions, true);
  for (const auto& [name, tensor] : straight) {
    EXPECT_TRUE(at::equal(tensor, again.at(name))) << name;
    EXPECT_LT(tensor.sub(unpadded.at(name)).abs().max().item<float>(), 2e-3F) << name;
  }
}

TEST_F(Resume, RefusesAnotherTeacher) {
  TrainOptions options = kOptions;
  options.epochs = 1;
  options.distillation = 0.5;
  GraphModule teacher = test::make_module(test::kTinyNetwork, 7);
  GraphModule other = test::make_module(test::kTinyNetwork, 8);
  for (GraphModule* one : {&teacher, &other}) one->set_training(false);
  const auto resume = [&](const GraphModule& with) {
    GraphModule module = test::make_module(test::kTinyNetwork);
    Trainer trainer(module, data_, options);
    trainer.set_teacher(&with);
    trainer.checkpoint_to(folder_.path());
    if (!trainer.resume_from(folder_.path())) trainer.run();
  };
  resume(teacher);
  resume(teacher);
  EXPECT_ERROR(resume(other), "was made with teacher_weights");
}

}  // namespace
}  // namespace morph
