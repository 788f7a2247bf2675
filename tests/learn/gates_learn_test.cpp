// A whole run with each kind of gate, on real images.

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "expect_error.h"
#include "graph_text.h"
#include "tiny_run.h"

#include "morph/data/fashion_mnist.h"
#include "morph/transform/shrink.h"

namespace morph {
namespace {

/// The first images of a set.
class FirstImages final : public Dataset {
 public:
  FirstImages(std::shared_ptr<const Dataset> all, int64_t count)
      : all_(std::move(all)), count_(count) {}

  int64_t size() const override { return count_; }
  ImageShape shape() const override { return all_->shape(); }
  std::span<const std::string> classes() const override { return all_->classes(); }
  int64_t get(int64_t i, std::span<uint8_t> pixels) const override { return all_->get(i, pixels); }

 private:
  std::shared_ptr<const Dataset> all_;
  int64_t count_;
};

DataSplits some_clothes() {
  DataSplits data = open_data("fashion-mnist");
  data.train = std::make_shared<FirstImages>(data.train, 2000);
  data.test = std::make_shared<FirstImages>(data.test, 500);
  return data;
}

constexpr const char* kPlain = R"(
input = Input() shape=[1, 1, 28, 28]
conv1 = Conv(input; weight=[16, 1, 3, 3], bias=[16]) pads=[1, 1, 1, 1] strides=[2, 2]
relu1 = Relu(conv1)
conv2 = Conv(relu1; weight=[24, 16, 3, 3], bias=[24]) pads=[1, 1, 1, 1] strides=[2, 2]
relu2 = Relu(conv2)
conv3 = Conv(relu2; weight=[24, 24, 3, 3], bias=[24]) pads=[1, 1, 1, 1] strides=[2, 2]
relu3 = Relu(conv3)
flat = Flatten(relu3)
fc = Gemm(flat; weight=[10, 384], bias=[10])
return fc
)";

constexpr const char* kNormalized = R"(
input = Input() shape=[1, 1, 28, 28]
conv1 = Conv(input; weight=[16, 1, 3, 3]) pads=[1, 1, 1, 1] strides=[2, 2]
bn1 = BatchNormalization(conv1; weight=[16], bias=[16], running_mean=[16], running_var=[16])
relu1 = Relu(bn1)
conv2 = Conv(relu1; weight=[24, 16, 3, 3]) pads=[1, 1, 1, 1] strides=[2, 2]
bn2 = BatchNormalization(conv2; weight=[24], bias=[24], running_mean=[24], running_var=[24])
relu2 = Relu(bn2)
flat = Flatten(relu2)
fc = Gemm(flat; weight=[10, 1176], bias=[10])
return fc
)";

struct GateRun {
  std::string gate;
  const char* network;
  bool proximal = false;
  Combination combination = Combination::kLargest;
};

class LearnOnClothes : public ::testing::TestWithParam<GateRun> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(fashion_mnist_package_folder())) {
      GTEST_SKIP() << "the Debian package dataset-fashion-mnist is not installed";
    }
  }
};

LearnOptions options_for(const GateRun& run) {
  LearnOptions options = test::tiny_options();
  options.gate = run.gate;
  options.proximal = run.proximal;
  options.combination = run.combination;
  options.threshold = default_thresholds(run.gate).training;
  options.lowest_threshold = default_thresholds(run.gate).lowest;
  options.structure = {.epochs = 3, .batch_size = 50, .learning_rate = 0.05, .final_rate = 0.1};
  options.retrain = {.epochs = 3, .batch_size = 50, .learning_rate = 0.05};
  return options;
}

TEST_P(LearnOnClothes, HalvesTheFlopsAndStillTellsClothesApart) {
  const Graph seed = graph_of(GetParam().network);
  const test::ScratchFolder scratch(
      cat("gates_", GetParam().gate, GetParam().proximal ? "_proximal" : ""));
  test::TinyRun tiny(scratch.path());
  Session session = tiny.session();
  const DataSplits data = some_clothes();
  const LearnResult result =
      learn({.data = data, .folder = session.folder, .out = session.out, .stop = session.stop},
            {.graph = seed},
            options_for(GetParam()));
  const TrainedNetwork& learned = result.networks.at("learned");
  const double before = result.networks.at("seed").costs.at("flops");
  EXPECT_LE(learned.costs.at("flops"), 0.5 * before);
  EXPECT_GE(learned.costs.at("flops"), 0.3 * before);
  EXPECT_LT(result.equivalence, 1e-5);
  // Ten classes; the seed comes to about 75 % after as little training.
  EXPECT_GT(learned.result->top1, 50);
  // No gate is left, and the structure file says the same of the network that was given.
  EXPECT_EQ(result.structure_of, seed);
  EXPECT_EQ(shrink(seed, result.structure).graph, learned.graph);
}

INSTANTIATE_TEST_SUITE_P(
    Gates,
    LearnOnClothes,
    ::testing::Values(GateRun{.gate = "gamma", .network = kNormalized},
                      GateRun{.gate = "gamma", .network = kNormalized, .proximal = true},
                      GateRun{.gate = "group-lasso", .network = kPlain},
                      GateRun{.gate = "group-lasso", .network = kPlain, .proximal = true},
                      GateRun{.gate = "logistic-sigmoid",
                              .network = kPlain,
                              .combination = Combination::kProbabilistic}),
    [](const auto& run) {
      std::string name = run.param.gate + (run.param.proximal ? "_proximal" : "");
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

TEST(LearnWithGates, SaysWhatDoesNotGoTogether) {
  LearnOptions options = test::tiny_options();
  options.gate = "gama";
  EXPECT_ERROR(validate(options), "--gate: expected gamma, group-lasso, logistic-sigmoid");
  const auto expect_refused = [](const LearnOptions& refused, const char* why) {
    const test::ScratchFolder scratch("gates_refused");
    test::TinyRun tiny(scratch.path());
    EXPECT_ERROR(learn(tiny.session(), test::seed_network(), refused), why);
  };
  options.gate = "gamma";
  options.combination = Combination::kProbabilistic;
  expect_refused(options, "tied gates can be combined as probabilities only if they are some");
  options.combination = Combination::kLargest;
  options.gate = "logistic-sigmoid";
  options.proximal = true;
  expect_refused(options, "logistic-sigmoid has no proximal step");
  options.gate = "group-lasso";
  options.l1_fraction = 2;
  expect_refused(options, "l1_fraction must lie in [0, 1], got 2");
}

}  // namespace
}  // namespace morph
