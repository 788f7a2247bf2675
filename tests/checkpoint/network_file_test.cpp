#include "morph/checkpoint/network_file.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "expect_error.h"
#include "temporary_folder.h"
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "morph/analysis/shapes.h"
#include "morph/base/file.h"
#include "morph/checkpoint/safetensors.h"
#include "morph/ir/text.h"

namespace morph {
namespace {

namespace fs = std::filesystem;

class NetworkFile : public ::testing::Test {
 protected:
  void write_text(const std::string& text) { write_file(path_, text); }

  TemporaryFolder folder_;
  fs::path path_ = folder_ / "net.morph";
  fs::path weights_ = folder_ / "net.safetensors";
  Graph graph_ =
      infer_shapes(parse_graph("morph 1\nnetwork \"net\"\nx = Input() shape=[1, 3]\n"
                               "fc = Gemm(x; weight=[2, 3], bias=[2])\nreturn fc"));
};

TEST_F(NetworkFile, GivesBackGraphAndWeights) {
  const Params params = initial_params(graph_, 1);
  write_network(path_, {.graph = graph_, .params = params});
  const Network read = read_network(path_);
  EXPECT_EQ(read.graph, graph_);
  ASSERT_TRUE(read.params);
  ASSERT_EQ(read.params->size(), 2u);
  for (const auto& [name, tensor] : params) {
    EXPECT_TRUE(at::equal(read.params->at(name), tensor)) << name;
  }
  // The key by which other readers know whose layout the tensors have.
  EXPECT_EQ(read_safetensors(weights_).metadata.at("format"), "pt");
}

TEST_F(NetworkFile, InfersShapesThatTheFileLeavesOut) {
  write_text("morph 1\nnetwork \"net\"\nx = Input() shape=[1, 3]\ny = Relu(x)\nreturn y");
  const Network read = read_network(path_);
  EXPECT_EQ(read.graph[NodeId{1}].shape, (Shape{1, 3}));
  EXPECT_FALSE(read.params);
}

TEST_F(NetworkFile, WithoutWeightsOldOnesAreRemoved) {
  write_network(path_, {.graph = graph_, .params = initial_params(graph_, 1)});
  EXPECT_TRUE(fs::exists(weights_));
  write_network(path_, {.graph = graph_});
  EXPECT_FALSE(fs::exists(weights_));
  EXPECT_FALSE(read_network(path_).params);
}

TEST_F(NetworkFile, WeightsThatDoNotFitAreNotWritten) {
  EXPECT_ERROR(write_network(path_, {.graph = graph_, .params = Params{}}), "is missing");
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_FALSE(fs::exists(weights_));
}

TEST_F(NetworkFile, FaultsAreNamedWithTheirFile) {
  EXPECT_ERROR(read_network(path_), cat("cannot read '", path_.string(), "'"));
  write_text("morph 1\nnetwork \"net\"\nx = Input() shape=[1, 3]\ny = Einsum(x)\nreturn y");
  EXPECT_ERROR(read_network(path_), cat("'", path_.string(), "': "));
  EXPECT_ERROR(read_network(path_), "Einsum");
  write_text("morph 1\nnetwork");
  EXPECT_ERROR(read_network(path_), cat("'", path_.string(), "': "));
}

TEST_F(NetworkFile, WeightsOfAnotherNetworkAreRefused) {
  write_network(path_, {.graph = graph_});
  write_safetensors(weights_, {.tensors = {{"fc.weight", at::ones({4, 3})}}});
  EXPECT_ERROR(read_network(path_), weights_.string());
  write_safetensors(weights_,
                    {.tensors = {{"fc.weight", at::ones({4, 3})}, {"fc.bias", at::ones({2})}}});
  EXPECT_ERROR(read_network(path_),
               "[fc: Gemm] tensor 'fc.weight' must have shape [2, 3], got [4, 3]");
}

TEST_F(NetworkFile, DamagedWeightsAreRefused) {
  write_network(path_, {.graph = graph_, .params = initial_params(graph_, 1)});
  const std::string bytes = read_file(weights_);
  write_file(weights_, bytes.substr(0, bytes.size() - 1));
  EXPECT_ERROR(read_network(path_),
               cat("'", weights_.string(), "' is not a sound safetensors file"));
}

TEST_F(NetworkFile, TheNameMustEndInMorph) {
  EXPECT_ERROR(read_network(weights_), "the name of a network file must end in .morph");
  EXPECT_ERROR(write_network(folder_ / "net.txt", {.graph = graph_}), "must end in .morph");
}

}  // namespace
}  // namespace morph
