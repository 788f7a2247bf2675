#include "morph/checkpoint/onnx_file.h"

#include <cmath>
#include <filesystem>
#include <string>

#include "checkpoint/temporary_folder.h"
#include "expect_error.h"
#include "random_graph.h"
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "morph/analysis/channel_groups.h"
#include "morph/nn/cut.h"
#include "morph/nn/graph_module.h"
#include "morph/transform/resize.h"
#include "morph/zoo/zoo.h"

namespace morph {
namespace {

/// With running statistics, scales and constants that are not those of a fresh network.
Network network_of(const Graph& graph, uint64_t seed) {
  Network network{.graph = graph, .params = Params()};
  at::Generator generator = at::detail::createCPUGenerator(seed);
  for (const Node& node : graph.nodes()) {
    for (const auto& [slot, param] : node.params) {
      const bool is_kernel = param.shape.size() > 1 && node.op != "Constant";
      const double fan_in = static_cast<double>(element_count(param.shape) / param.shape[0]);
      const double spread = is_kernel ? std::sqrt(2 / fan_in) : 0.1;
      const bool is_scale = !is_kernel && slot != "bias" && slot != "running_mean";
      const at::Tensor noise = at::randn(param.shape, generator, at::TensorOptions(at::kFloat));
      (*network.params)[param.tensor] = noise * spread + (is_scale ? 1 : 0);
    }
  }
  return network;
}

TEST(OnnxFile, GivesBackGraphAndWeights) {
  const TemporaryFolder folder;
  const Network network = network_of(zoo::build("resnet8"), 1);
  write_network(folder / "net.onnx", network);
  const Network read = read_network(folder / "net.onnx");
  EXPECT_EQ(read.graph, network.graph);
  ASSERT_EQ(read.params->size(), network.params->size());
  for (const auto& [name, tensor] : *network.params) {
    EXPECT_TRUE(at::equal(read.params->at(name), tensor)) << name;
  }
}

TEST(OnnxFile, NeedsWeights) {
  const TemporaryFolder folder;
  EXPECT_ERROR(write_network(folder / "net.onnx", {.graph = zoo::build("resnet8")}),
               "an ONNX file holds a network with its weights");
  EXPECT_ERROR(read_network(folder / "net.onnx"), "net.onnx': No such file");
}

TEST(OnnxFile, OnnxRuntimeComputesTheSame) {
  const TemporaryFolder folder;
  bool was_run = true;
  const auto check = [&](const Network& network, const OnnxFileOptions& options, auto what) {
    write_onnx_network(folder / "net.onnx", network, options);
    const OnnxCertificate certificate = certify_onnx(folder / "net.onnx", network);
    was_run = certificate.was_run;
    // float32 sums in another order; the certificate's own limit is 1e-4.
    EXPECT_LE(certificate.difference, 1e-4) << what;
  };
  for (const char* name : {"resnet20", "inception_small", "mobilenet_v2"}) {
    const Network network = network_of(zoo::build(cat(name, "?width=0.5&input=3x32x32")), 1);
    check(network, {}, name);
    if (!was_run) GTEST_SKIP() << "ONNX Runtime is not installed: scripts/setup --test";
    check(network, {.batch_norm = OnnxFileOptions::BatchNorm::kFold}, name);
    check(network, {.model = {.opset = 21}, .placement = onnx::Placement::kOutside}, name);
  }
  for (const char* name : {"mobilenet_v3_large",
                           "efficientnet_b0",
                           "densenet121",
                           "shufflenet_v2_x1_0",
                           "resnet_v2_50",
                           "unet"}) {
    check(network_of(zoo::build(cat(name, "?width=0.25&input=3x64x64")), 1), {}, name);
  }
  for (uint64_t seed = 0; seed < 12; ++seed) check(network_of(random_graph(seed), seed), {}, seed);
}

TEST(OnnxFile, OnnxRuntimeComputesWhatTheMaskedNetworkDid) {
  const TemporaryFolder folder;
  int64_t compared = 0;
  for (uint64_t seed = 100; compared < 8; ++seed) {
    const Network network = network_of(random_graph(seed), seed);
    const ChannelGroups groups = find_channel_groups(network.graph);
    const std::vector<bool> alive = random_alive(network.graph, groups, seed);
    const Survivors left = find_survivors(network.graph, groups, alive);
    if (!left.nodes[index(network.graph.outputs()[0])]) continue;  // Nothing would be left.
    // Throws unless cut and masked network agree to 1e-5.
    const Cut cut = cut_channels(network.graph, *network.params, groups, alive);
    ++compared;
    const OnnxCertificate certificate =
        write_onnx_network(folder / "cut.onnx", {.graph = cut.graph, .params = cut.params});
    if (!certificate.was_run) GTEST_SKIP() << "ONNX Runtime is not installed: scripts/setup --test";
    EXPECT_LE(certificate.difference, kLargestOnnxDifference) << seed;
    EXPECT_EQ(read_network(folder / "cut.onnx").params->size(), cut.params.size()) << seed;
  }
}

TEST(OnnxFile, AFileThatComputesOtherwiseIsNotWritten) {
  const TemporaryFolder folder;
  Network network = network_of(zoo::build("mlp"), 1);
  // Beyond float32: the network overflows, and nothing compares equal to what is not a number.
  for (auto& [name, tensor] : *network.params) tensor.mul_(1e30);
  const auto write = [&] { return write_onnx_network(folder / "bad.onnx", network); };
  try {
    if (!write().was_run) GTEST_SKIP() << "ONNX Runtime is not installed: scripts/setup --test";
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("is not written"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "bad.onnx"));
  write_onnx_network(
      folder / "bad.onnx", network, {.mismatch = OnnxFileOptions::Mismatch::kAccept});
  EXPECT_TRUE(std::filesystem::exists(folder / "bad.onnx"));
}

TEST(OnnxFile, FoldedNetworksComputeTheSame) {
  const TemporaryFolder folder;
  const at::NoGradGuard no_grad;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const Network network = network_of(random_graph(seed), seed);
    write_onnx_network(
        folder / "net.onnx", network, {.batch_norm = OnnxFileOptions::BatchNorm::kFold});
    const Network folded = read_network(folder / "net.onnx");
    GraphModule before(network.graph, *network.params);
    GraphModule after(folded.graph, *folded.params);
    before.set_training(false);
    after.set_training(false);
    Shape shape = network.graph.nodes()[0].shape;
    shape[0] = 3;
    const at::Tensor x = at::randn(shape, at::kFloat);
    const at::Tensor expected = before.forward(x);
    const double scale = expected.abs().max().item<double>();
    EXPECT_LE((after.forward(x) - expected).abs().max().item<double>(), 1e-4 * scale) << seed;
  }
}

}  // namespace
}  // namespace morph
