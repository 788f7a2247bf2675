#include "morph/checkpoint/onnx_file.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <string>

#include "expect_error.h"
#include "graph_text.h"
#include "random_graph.h"
#include "temporary_folder.h"
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
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

TEST(OnnxFile, OnnxRuntimeComputesEveryKindOfNode) {
  const TemporaryFolder folder;
  const std::string head = "x = Input() shape=[1, 8, 6, 6]\n";
  for (const std::string line : {
           "y = Resize(x) sizes=[1, 8, 9, 5]",
           "y = Resize(x) mode=\"linear\" scales=[1.0, 1.0, 2.0, 1.5]",
           "y = Resize(x) coordinate_transformation_mode=\"asymmetric\" nearest_mode=\"floor\""
           " scales=[1.0, 1.0, 2.0, 2.0]",
           "c = Parameter(; value=[1, 2, 6, 6])\ny = Concat(c, x) axis=1",
           "c = Parameter(; value=[1, 8, 1, 1])\nd = Mul(x, c)\ny = Add(d, x, c)",
           "y = ConvTranspose(x; weight=[8, 4, 3, 3], bias=[4]) output_padding=[1, 1] strides=[2, "
           "2]",
           "y = PRelu(x; slope=[8, 1, 1])",
           "y = Clip(x) max=0.5",
           "y = Pad(x) pads=[0, 0, 1, 2, 0, 0, 3, 4] value=0.25",
           "y = Slice(x) axes=[1, 2] ends=[7, 5] starts=[1, 0] steps=[1, 2]",
           "y = Gather(x) axis=1 indices=[3, 0, 5]",
           "a = ReduceMean(x) axes=[2, 3] keepdims=0\nb = Gemm(a; weight=[4, 8], bias=[4])\n"
           "y = Softmax(b)",
           "a = Reshape(x) shape=[0, 8, -1]\nb = Transpose(a) perm=[0, 2, 1]\n"
           "c = LayerNormalization(b; weight=[8], bias=[8])\nd = Gemm(c; weight=[4, 8], bias=[4])\n"
           "e = MatMul(c; weight=[8, 4])\nf = Add(d, e)\ng = Transpose(f) perm=[0, 2, 1]\n"
           "y = MatMul(f, g)",
           "y = InstanceNormalization(x; weight=[8], bias=[8])",
           "y = GroupNormalization(x; weight=[8], bias=[8]) num_groups=2",
           "y = DepthToSpace(x) blocksize=2 mode=\"CRD\"",
           "a = Gelu(x)\nb = Swish(a) alpha=1.5\nc = Mish(b)\nd = HardSwish(c)\ny = HardSigmoid(d)",
           "y = AveragePool(x) ceil_mode=1 count_include_pad=1 kernel_shape=[3, 3] pads=[1, 1, 1, "
           "1]"
           " strides=[2, 2]",
           "y = MaxPool(x) auto_pad=\"SAME_UPPER\" kernel_shape=[3, 3] strides=[2, 2]",
           "y = LRN(x) size=3",
           "a = ReduceMax(x) axes=[1]\nb = Sigmoid(a)\nc = Expand(b) shape=[1, 8, 6, 6]\n"
           "y = Mul(c, x)",
           "a = GlobalMaxPool(x)\nb = Squeeze(a) axes=[2, 3]\nc = Unsqueeze(b) axes=[2]\n"
           "y = Tile(c) repeats=[1, 3, 1]",
       }) {
    const Network network = network_of(graph_of(head + line + "\nreturn y\n"), 1);
    const OnnxCertificate certificate = write_onnx_network(folder / "net.onnx", network);
    if (!certificate.was_run) GTEST_SKIP() << "ONNX Runtime is not installed: scripts/setup --test";
    EXPECT_LE(certificate.difference, 1e-5) << line;
    const Network read = read_network(folder / "net.onnx");
    EXPECT_LE(certify_onnx(folder / "net.onnx", read).difference, 1e-5) << line;
  }
}

TEST(OnnxFile, OnnxRuntimeComputesRecurrences) {
  const TemporaryFolder folder;
  for (const std::string line : {
           "y = LSTM(x; weight=[2, 12, 4], recurrence=[2, 12, 3], bias=[2, 24])"
           " direction=\"bidirectional\"",
           "y = GRU(x; weight=[1, 9, 4], recurrence=[1, 9, 3], bias=[1, 18])",
           "y = RNN(x; weight=[1, 3, 4], recurrence=[1, 3, 3]) activations=\"Relu\""
           " direction=\"reverse\"",
       }) {
    const Graph graph = graph_of("x = Input() shape=[1, 5, 4]\n" + line + "\nreturn y\n");
    EXPECT_LE(write_onnx_network(folder / "net.onnx", network_of(graph, 1)).difference, 1e-5)
        << line;
  }
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

/// 32 sums of differences of large terms that nearly cancel, so that float32 is off by far more
/// than 1e-4 of them.
Network ill_conditioned() {
  const Graph graph = graph_of(
      "x = Input() shape=[1, 64]\na = Gemm(x; weight=[128, 64])\n"
      "y = Gemm(a; weight=[32, 128])\nreturn y\n");
  Network network = network_of(graph, 1);
  at::Tensor& first = network.params->at("a.weight");
  const at::Tensor half = first.slice(0, 0, 64) * 100;
  first.copy_(at::cat({half, half + first.slice(0, 64, 128) * 1e-3}));
  at::Tensor& second = network.params->at("y.weight");
  const at::Tensor part = second.slice(1, 0, 64).clone();
  second.copy_(at::cat({part, -part}, 1));
  return network;
}

TEST(OnnxFile, ANetworkThatFloat32CannotComputeIsRefusedAndTheReasonSaid) {
  const TemporaryFolder folder;
  const Network network = ill_conditioned();
  const OnnxCertificate certificate = write_onnx_network(
      folder / "net.onnx", network, {.mismatch = OnnxFileOptions::Mismatch::kAccept});
  if (!certificate.was_run) GTEST_SKIP() << "ONNX Runtime is not installed: scripts/setup --test";
  EXPECT_ERROR(write_onnx_network(folder / "refused.onnx", network),
               "no float32 program computes well");
  EXPECT_FALSE(std::filesystem::exists(folder / "refused.onnx"));
  EXPECT_GT(certificate.difference, kLargestOnnxDifference);
  EXPECT_GT(certificate.rounding, certificate.difference / 10);
}

TEST(OnnxFile, ACertificateHoldsUpToOneInTenThousand) {
  EXPECT_TRUE((OnnxCertificate{.was_run = true, .difference = 1e-4}.holds()));
  EXPECT_FALSE((OnnxCertificate{.was_run = true, .difference = 1.1e-4, .rounding = 1e-3}.holds()));
  const double none = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE((OnnxCertificate{.was_run = true, .difference = none, .rounding = none}.holds()));
}

TEST(OnnxFile, FoldedNetworksComputeTheSame) {
  const TemporaryFolder folder;
  const at::NoGradGuard no_grad;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const Network network = network_of(random_graph(seed), seed);
    // Outputs of a network of random weights may be tiny sums of large terms, whose roundings
    // depend on how many threads ONNX Runtime has: folding is judged by the values before it,
    // below.
    write_onnx_network(folder / "net.onnx",
                       network,
                       {.batch_norm = OnnxFileOptions::BatchNorm::kFold,
                        .mismatch = OnnxFileOptions::Mismatch::kAccept});
    const Network folded = read_network(folder / "net.onnx");
    GraphModule before(network.graph, *network.params);
    GraphModule after(folded.graph, *folded.params);
    before.set_training(false);
    after.set_training(false);
    Shape shape = network.graph.nodes()[0].shape;
    shape[0] = 3;
    const at::Tensor x = at::randn(shape, at::kFloat);
    const at::Tensor expected = before.forward(x);
    // Roundings of float32 on the way, where values are of order 1.
    const double scale = std::max(expected.abs().max().item<double>(), 1.0);
    EXPECT_LE((after.forward(x) - expected).abs().max().item<double>(), 1e-4 * scale) << seed;
  }
}

}  // namespace
}  // namespace morph
