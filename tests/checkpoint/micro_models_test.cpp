#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "expect_error.h"
#include "temporary_folder.h"
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "morph/analysis/channel_groups.h"
#include "morph/base/random.h"
#include "morph/checkpoint/onnx_file.h"
#include "morph/nn/cut.h"
#include "morph/nn/graph_module.h"
#include "morph/ops/recurrent.h"

/// Networks of one hard pattern each, exported from PyTorch by tests/models/export_micro_models.py.
namespace morph {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(MORPH_SOURCE_DIR) / "tests" / "models" / "micro";

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const fs::directory_entry& entry : fs::directory_iterator(kFolder)) {
    const std::string name = entry.path().stem().string();
    if (name != "embedding") result.push_back(name);  // Reads integers; below.
  }
  std::ranges::sort(result);
  return result;
}

/// Of each group that may lose channels, all but about two fifths, drawn at random.
std::vector<bool> random_share(const ChannelGroups& groups, Random& random) {
  std::vector<bool> alive(static_cast<size_t>(groups.set_count()), true);
  for (const ChannelGroup& group : groups.groups()) {
    size_t left = group.sets.size();
    for (const ChannelId set : group.sets) {
      if (groups.pinned_at(set) || left == 1 || random.uniform() > 0.4) continue;
      alive[static_cast<size_t>(set)] = false;
      --left;
    }
  }
  return alive;
}

double relative(const at::Tensor& output, const at::Tensor& expected) {
  return ((output - expected).abs().max() / expected.abs().max()).item<double>();
}

class MicroModel : public ::testing::TestWithParam<std::string> {
 protected:
  fs::path file() const { return kFolder / (GetParam() + ".onnx"); }
};

/// The ops of a graph, without those that do nothing.
std::vector<std::string> working_ops(const Graph& graph) {
  std::vector<std::string> ops;
  for (const Node& node : graph.nodes()) {
    if (node.op != "Identity") ops.push_back(node.op);
  }
  return ops;
}

TEST_P(MicroModel, ComputesWhatOnnxRuntimeDoes) {
  const Network network = read_onnx_network(file());
  Shape shape = network.graph[network.graph.inputs().at(0)].shape;
  shape[0] = 3;
  at::Generator generator = at::detail::createCPUGenerator(5);
  const std::vector<at::Tensor> input = {
      at::randn(shape, generator, at::TensorOptions(at::kFloat))};
  const auto expected = run_onnx_runtime(file(), input);
  if (!expected) GTEST_SKIP() << "ONNX Runtime is not installed: scripts/setup --test";
  GraphModule module(network.graph, *network.params);
  module.set_training(false);
  const at::NoGradGuard no_grad;
  EXPECT_LE(relative(module.forward(input[0]), expected->at(0)), 1e-5);
}

TEST_P(MicroModel, IsCutToWhatTheMaskedOneDoesAndWritten) {
  const TemporaryFolder folder;
  const Network network = read_onnx_network(file());
  const ChannelGroups groups = find_channel_groups(network.graph);
  Random random(7);
  const std::vector<bool> alive = random_share(groups, random);
  EXPECT_GT(std::ranges::count(alive, false), 0) << "nothing can be removed";
  // Throws unless masked and cut network agree.
  const Cut cut = cut_channels(network.graph, *network.params, groups, alive);
  const Network smaller{.graph = cut.graph, .params = cut.params};
  const OnnxCertificate certificate = write_onnx_network(folder / "cut.onnx", smaller);
  EXPECT_LE(certificate.difference, kLargestOnnxDifference);
  const Network again = read_onnx_network(folder / "cut.onnx");
  EXPECT_EQ(working_ops(again.graph), working_ops(cut.graph));
  write_onnx_network(folder / "again.onnx", again);
  const Graph twice = read_onnx_network(folder / "again.onnx").graph;
  if (std::ranges::any_of(twice.nodes(), is_recurrent)) {
    // Each time the Transposes around the steps are read as nodes that do nothing.
    EXPECT_EQ(working_ops(twice), working_ops(again.graph));
  } else {
    EXPECT_EQ(again.graph.nodes().size(), cut.graph.nodes().size());
    EXPECT_EQ(twice, again.graph);
  }
}

INSTANTIATE_TEST_SUITE_P(Patterns, MicroModel, ::testing::ValuesIn(names()), [](const auto& item) {
  return item.param;
});

TEST(MicroModels, LoseWhatTheirPatternsAllow) {
  const auto prunable = [](const std::string& name, const std::string& layer) {
    const Graph graph = read_onnx_network(kFolder / (name + ".onnx")).graph;
    const ChannelGroups groups = find_channel_groups(graph);
    for (const NodeId id : graph.ids()) {
      if (!graph[id].has_param("weight")) continue;
      if (graph[id].params.at("weight").tensor != layer) continue;
      return std::ranges::count_if(groups.made_by(id),
                                   [&](ChannelId set) { return !groups.pinned_at(set); });
    }
    throw Error(layer);
  };
  EXPECT_EQ(prunable("glu", "a.weight"), 32);
  EXPECT_EQ(prunable("split_unequal", "a.weight"), 32);
  EXPECT_EQ(prunable("channel_slice", "a.weight"), 32);
  EXPECT_EQ(prunable("channel_shuffle", "a.weight"), 20);
  EXPECT_EQ(prunable("pixel_shuffle", "a.weight"), 32);
  EXPECT_EQ(prunable("grouped_transposed", "b.weight"), 6);  // In each of four groups.
  EXPECT_EQ(prunable("depthwise_doubled", "a.weight"), 12);
  EXPECT_EQ(prunable("functional_conv", "raw"), 16);
  EXPECT_EQ(prunable("frozen", "a.weight"), 16);
  EXPECT_EQ(prunable("two_cats", "b.weight"), 12);
}

TEST(MicroModels, AnEmbeddingIsRefusedOrPassedThrough) {
  const fs::path file = kFolder / "embedding.onnx";
  EXPECT_ERROR(read_onnx_network(file), "input 'input' is of int64");
  const Network network = read_onnx_network(file, {.unknown_ops = onnx::UnknownOps::kPassThrough});
  const ChannelGroups groups = find_channel_groups(network.graph);
  Random random(7);
  const std::vector<bool> alive = random_share(groups, random);
  EXPECT_GT(std::ranges::count(alive, false), 0);
  const Cut cut = cut_channels(network.graph, *network.params, groups, alive);
  EXPECT_LE(cut.equivalence, 1e-12);
  const TemporaryFolder folder;
  const OnnxCertificate certificate =
      write_onnx_network(folder / "cut.onnx", {.graph = cut.graph, .params = cut.params});
  EXPECT_LE(certificate.difference, kLargestOnnxDifference);
  const at::Tensor ids = at::randn({2, 5}).abs().floor();
  GraphModule module(network.graph, *network.params);
  EXPECT_ERROR(module.forward(ids), "the network cannot be run: it needs '");
  // ONNX Runtime knows the op that we do not.
  const auto before = run_onnx_runtime(file, std::vector<at::Tensor>{ids});
  if (!before) GTEST_SKIP() << "ONNX Runtime is not installed: scripts/setup --test";
  const auto after = run_onnx_runtime(folder / "cut.onnx", std::vector<at::Tensor>{ids});
  EXPECT_EQ(after->at(0).sizes(), before->at(0).sizes());
}

}  // namespace
}  // namespace morph
