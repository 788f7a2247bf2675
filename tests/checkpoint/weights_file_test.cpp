#include "morph/checkpoint/weights_file.h"

#include "checkpoint/temporary_folder.h"
#include "expect_error.h"
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "morph/analysis/shapes.h"
#include "morph/checkpoint/safetensors.h"
#include "morph/ir/text.h"

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

}  // namespace
}  // namespace morph
