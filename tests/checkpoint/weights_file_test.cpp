#include "morph/checkpoint/weights_file.h"

#include "expect_error.h"
#include "temporary_folder.h"
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "morph/analysis/shapes.h"
#include "morph/base/error.h"
#include "morph/base/random.h"
#include "morph/checkpoint/safetensors.h"
#include "morph/ir/text.h"
#include "morph/zoo/zoo.h"

namespace morph {
namespace {

class WeightsFile : public ::testing::Test {
 protected:
  /// Reads the weights after they were written to a file.
  Params read(const Params& written, const std::string& training_only = "") {
    write_safetensors(path_, {.tensors = written});
    return read_weights(path_, graph_, training_only);
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "w.safetensors";
  Graph graph_ = infer_shapes(parse_graph(R"(morph 1
network "net"
x = Input() shape=[1, 3, 4, 4]
conv = Conv(x; weight=[2, 3, 1, 1])
bn = BatchNormalization(conv; weight=[2], bias=[2], running_mean=[2], running_var=[2])
return bn
)"));
  Params params_ = initial_params(graph_, 1);
};

TEST_F(WeightsFile, FindsTensorsByName) {
  const Params read_back = read(params_);
  ASSERT_EQ(read_back.size(), params_.size());
  for (const auto& [name, tensor] : params_) {
    EXPECT_TRUE(at::equal(read_back.at(name), tensor)) << name;
  }
}

TEST_F(WeightsFile, PassesOverWhatOnlyTrainingNeeds) {
  Params written = params_;
  written["bn.num_batches_tracked"] = at::zeros({}, at::kLong);
  written["Aux.fc.weight"] = at::ones({3});
  EXPECT_EQ(read(written, "Aux.").size(), params_.size());
  EXPECT_ERROR(read(written), "1 unexpected: Aux.fc.weight");
}

TEST_F(WeightsFile, ReadsOtherPrecisionsAsFloat) {
  Params written = params_;
  written["conv.weight"] = at::ones({2, 3, 1, 1}, at::kHalf);
  const Params read_back = read(written);
  EXPECT_EQ(read_back.at("conv.weight").scalar_type(), at::kFloat);
  EXPECT_TRUE(at::equal(read_back.at("conv.weight"), at::ones({2, 3, 1, 1})));
  written["conv.weight"] = at::ones({2, 3, 1, 1}, at::kInt);
  EXPECT_ERROR(read(written), "conv.weight");
}

TEST_F(WeightsFile, ListsAllThatDoesNotFit) {
  Params written = params_;
  written.erase("bn.bias");
  written.erase("conv.weight");
  written["extra"] = at::ones({1});
  written["bn.weight"] = at::ones({5});
  EXPECT_ERROR(read(written),
               "w.safetensors' are not those of network 'net': 2 missing: bn.bias, conv.weight; "
               "1 unexpected: extra; 1 of another shape: bn.weight is [5], not [2]");
  written = params_;
  written["bn.weight"] = at::ones({5});
  EXPECT_ERROR(read(written), "Shapes follow the network's options, classes and input");
}

TEST_F(WeightsFile, ListsTheFirstFewOfMany) {
  Params written = params_;
  for (int i = 0; i < 20; ++i) written["extra" + std::to_string(10 + i)] = at::ones({1});
  EXPECT_ERROR(read(written),
               "20 unexpected: extra10, extra11, extra12, extra13, extra14, "
               "extra15, extra16, extra17, …");
}

TEST_F(WeightsFile, NamesAFileThatIsNotThere) {
  EXPECT_ERROR(read_weights(folder_ / "none.safetensors", graph_), "no such file");
}

/// A state_dict of random numbers, in PyTorch's names.
class StateDict {
 public:
  void conv(const std::string& name, const Shape& shape) { add(name + ".weight", shape); }
  void dense(const std::string& name, const Shape& shape) {
    add(name + ".weight", shape);
    add(name + ".bias", {shape[0]});
  }
  void normalization(const std::string& name, int64_t width) {
    for (const char* slot : {"weight", "bias", "running_mean", "running_var"}) {
      add(name + "." + slot, {width});
    }
    tensors[name + ".num_batches_tracked"] = at::zeros({}, at::kLong);
  }

  Params tensors = {};

 private:
  void add(const std::string& name, const Shape& shape) {
    at::Tensor tensor = at::empty(shape);
    float* values = tensor.mutable_data_ptr<float>();
    for (int64_t i = 0; i < tensor.numel(); ++i) values[i] = static_cast<float>(random_.uniform());
    tensors[name] = tensor;
  }

  Random random_{5};
};

/// That of torchvision.models.resnet18(), from its modules.
StateDict resnet18_of_torchvision() {
  StateDict state;
  state.conv("conv1", {64, 3, 7, 7});
  state.normalization("bn1", 64);
  int64_t in = 64;
  for (int layer = 1; layer <= 4; ++layer) {
    const int64_t width = int64_t{32} << layer;
    for (int block = 0; block < 2; ++block) {
      const std::string name = cat("layer", layer, ".", block);
      state.conv(name + ".conv1", {width, in, 3, 3});
      state.normalization(name + ".bn1", width);
      state.conv(name + ".conv2", {width, width, 3, 3});
      state.normalization(name + ".bn2", width);
      if (in != width) {
        state.conv(name + ".downsample.0", {width, in, 1, 1});
        state.normalization(name + ".downsample.1", width);
      }
      in = width;
    }
  }
  state.dense("fc", {1000, 512});
  return state;
}

TEST_F(WeightsFile, TakesTorchvisionsStateDict) {
  const StateDict state = resnet18_of_torchvision();
  EXPECT_EQ(state.tensors.size(), 122U);
  graph_ = zoo::build("resnet18");
  const Params read_back = read(state.tensors);
  EXPECT_EQ(read_back.size(), 102U);
  for (const auto& [name, tensor] : read_back) {
    EXPECT_TRUE(at::equal(tensor, state.tensors.at(name))) << name;
  }
  graph_ = zoo::build("resnet18?classes=10");
  EXPECT_ERROR(read(state.tensors), "fc.weight is [1000, 512], not [10, 512]");
  graph_ = zoo::build("resnet34");
  EXPECT_ERROR(read(state.tensors), "missing: layer1.2.bn1.bias, layer1.2.bn1.running_mean");
}

}  // namespace
}  // namespace morph
