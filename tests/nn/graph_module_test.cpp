#include "morph/nn/graph_module.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "expect_error.h"
#include "nn/run_text.h"
#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace morph {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

std::vector<std::string> names(const GraphModule& module) {
  std::vector<std::string> result;
  for (const auto& [name, tensor] : module.parameters()) result.push_back(name);
  return result;
}

/// y = relu(w1 · x), z = w2 · y, by hand: w1 = [[1, -1], [2, 0]], w2 = [[1, 1]].
GraphModule two_layers() {
  return GraphModule(
      graph_of("x = Input() shape=[1, 2]\nfc1 = Gemm(x; weight=[2, 2])\n"
               "y = Relu(fc1)\nfc2 = Gemm(y; weight=[1, 2])\nreturn fc2"),
      {{"fc1.weight", doubles({2, 2}, {1, -1, 2, 0})}, {"fc2.weight", doubles({1, 2}, {1, 1})}});
}

TEST(GraphModule, RunsABatch) {
  EXPECT_THAT(values(two_layers().forward(doubles({2, 2}, {3, 1, 1, 2}))), ElementsAre(8, 2));
}

TEST(GraphModule, ForwardAllGivesEveryValue) {
  const at::Tensor x = doubles({1, 2}, {1, 2});
  const std::vector<at::Tensor> all = two_layers().forward_all(std::span(&x, 1));
  ASSERT_EQ(all.size(), 4u);
  EXPECT_THAT(values(all[0]), ElementsAre(1, 2));
  EXPECT_THAT(values(all[1]), ElementsAre(-1, 2));
  EXPECT_THAT(values(all[2]), ElementsAre(0, 2));
  EXPECT_THAT(values(all[3]), ElementsAre(2));
}

TEST(GraphModule, TakesSeveralInputsAndReturnsSeveralOutputsInTheGraphsOrder) {
  const GraphModule module(graph_of("a = Input() shape=[1, 1]\nb = Input() shape=[1, 1]\n"
                                    "p = Mul(a, b)\ns = Add(a, b)\nreturn s, a, p"),
                           {});
  const std::vector<at::Tensor> inputs = {doubles({1, 1}, {2}), doubles({1, 1}, {5})};
  const std::vector<at::Tensor> outputs = module.forward(inputs);
  ASSERT_EQ(outputs.size(), 3u);
  EXPECT_THAT(values(outputs[0]), ElementsAre(7));
  EXPECT_THAT(values(outputs[1]), ElementsAre(2));
  EXPECT_THAT(values(outputs[2]), ElementsAre(10));
  EXPECT_ERROR(module.forward(inputs[0]), "network 'test' has 2 inputs, got 1");
}

TEST(GraphModule, OneOutputIsAskedOfANetworkWithOne) {
  const GraphModule module(graph_of("x = Input() shape=[1, 1]\ny = Relu(x)\nreturn x, y"), {});
  EXPECT_ERROR(module.forward(doubles({1, 1}, {1})),
               "network 'test' has 2 outputs; ask for all of them");
}

TEST(GraphModule, ListsTrainableTensorsOnceInOrderOfFirstUse) {
  const Graph graph = graph_of(
      "x = Input() shape=[1, 2]\nz = Gemm(x; weight=[2, 2] @ shared, bias=[2])\n"
      "bn = BatchNormalization(z; weight=[2], bias=[2], running_mean=[2], running_var=[2])\n"
      "a = Gemm(bn; weight=[2, 2] @ shared)\nreturn a");
  const GraphModule module(graph, initial_params(graph, 1));
  EXPECT_THAT(names(module), ElementsAre("shared", "z.bias", "bn.weight", "bn.bias"));
  for (const auto& [name, tensor] : module.parameters()) {
    EXPECT_TRUE(tensor.requires_grad()) << name;
    EXPECT_TRUE(tensor.is_same(module.params().at(name))) << name;
  }
  EXPECT_FALSE(module.params().at("bn.running_mean").requires_grad());
}

TEST(GraphModule, SharesTheTensorsItIsGiven) {
  const Graph graph = graph_of("x = Input() shape=[1, 1]\nfc = Gemm(x; weight=[1, 1])\nreturn fc");
  const Params params = {{"fc.weight", doubles({1, 1}, {3})}};
  const GraphModule module(graph, params);
  params.at("fc.weight").detach().fill_(4);
  EXPECT_THAT(values(module.forward(doubles({1, 1}, {1}))), ElementsAre(4));
}

TEST(GraphModule, GradientsOfASharedTensorAddUp) {
  const GraphModule module(graph_of("x = Input() shape=[1, 1]\na = Gemm(x; weight=[1, 1] @ w)\n"
                                    "b = Gemm(a; weight=[1, 1] @ w)\nreturn b"),
                           {{"w", doubles({1, 1}, {3})}});
  module.forward(doubles({1, 1}, {5})).backward();
  // d(w²x)/dw = 2wx.
  EXPECT_THAT(values(module.params().at("w").grad()), ElementsAre(30));
}

TEST(GraphModule, FindsAParamByNodeAndSlot) {
  const GraphModule module = two_layers();
  const NodeId fc2 = *module.graph().find("fc2");
  EXPECT_THAT(values(module.param(fc2, "weight")), ElementsAre(1, 1));
  EXPECT_ERROR(module.param(fc2, "bias"), "[fc2: Gemm] has no param 'bias'");
}

TEST(GraphModule, RefusesAnInputThatDoesNotFit) {
  const GraphModule module(graph_of("x = Input() shape=[1, 3, 8, 8]\ny = Relu(x)\nreturn y"), {});
  EXPECT_ERROR(module.forward(at::zeros({2, 1, 28, 28})),
               "[x: Input] expected a batch of shape [N, 3, 8, 8], got [2, 1, 28, 28]");
  EXPECT_ERROR(module.forward(at::zeros({3, 8, 8})), "got [3, 8, 8]");
  EXPECT_ERROR(module.forward(at::Tensor()), "got nothing");
}

TEST(GraphModule, NamesTheNodeWhoseKernelFails) {
  const GraphModule module = two_layers();
  try {
    module.forward(at::zeros({1, 2}, at::kFloat));
    FAIL() << "float inputs do not fit double weights";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_THAT(message, ::testing::StartsWith("[fc1: Gemm] "));
    EXPECT_THAT(message, ::testing::Not(::testing::HasSubstr("Exception raised from")));
    EXPECT_THAT(message, ::testing::Not(::testing::HasSubstr("frame #")));
  }
}

TEST(GraphModule, RefusesAGraphWithoutShapesAndWeightsThatDoNotFit) {
  const Graph raw = parse_graph("morph 1\nnetwork \"n\"\nx = Input() shape=[1, 2]\nreturn x");
  EXPECT_ERROR(GraphModule(raw, {}), "[x: Input] has no shape yet; call infer_shapes()");
  const Graph graph = graph_of("x = Input() shape=[1, 1]\nfc = Gemm(x; weight=[1, 1])\nreturn fc");
  EXPECT_ERROR(GraphModule(graph, {}), "'fc.weight' of shape [1, 1] is missing");
}

TEST(GraphModule, MasksMultiplyTheInputsTheyAreSetOn) {
  GraphModule module(graph_of("x = Input() shape=[1, 2]\ny = Add(x, x)\nreturn y"), {});
  const at::Tensor x = doubles({2, 2}, {1, 2, 3, 4});
  module.set_masks({{{NodeId{1}, 1}, doubles({1, 2}, {0, 1})}});
  EXPECT_THAT(values(module.forward(x)), ElementsAre(1, 4, 3, 8));
  module.set_masks({});
  EXPECT_THAT(values(module.forward(x)), ElementsAre(2, 4, 6, 8));
}

TEST(GraphModule, ACopyHasItsOwnModeAndMasksButTheSameTensors) {
  GraphModule module = two_layers();
  GraphModule copy = module;
  copy.set_training(false);
  copy.set_masks({{{NodeId{1}, 0}, doubles({1, 2}, {0, 0})}});
  EXPECT_TRUE(module.training());
  const at::Tensor x = doubles({1, 2}, {3, 1});
  EXPECT_THAT(values(copy.forward(x)), ElementsAre(0));
  EXPECT_THAT(values(module.forward(x)), ElementsAre(8));
  EXPECT_TRUE(copy.parameters()[0].second.is_same(module.parameters()[0].second));
}

TEST(GraphModule, MovesToADeviceAndKeepsSharingThere) {
  const Graph graph = graph_of(
      "x = Input() shape=[1, 2]\na = Gemm(x; weight=[2, 2])\nb = Gemm(a; weight=[2, 2])\nreturn b");
  const at::Tensor weight = doubles({2, 2}, {1, 0, 0, 1});
  // One tensor under two names is shared as well.
  GraphModule module(graph, {{"a.weight", weight}, {"b.weight", weight}});
  module.set_masks({{{NodeId{1}, 0}, doubles({1, 2}, {1, 1})}});
  module.forward(doubles({1, 2}, {1, 2})).sum().backward();
  EXPECT_EQ(module.device(), c10::Device(c10::kCPU));
  module.to(c10::kMeta);
  EXPECT_EQ(module.device(), c10::Device(c10::kMeta));
  const at::Tensor& moved = module.param(NodeId{1}, "weight");
  EXPECT_TRUE(moved.is_same(module.param(NodeId{2}, "weight")));
  EXPECT_TRUE(moved.is_same(module.params().at("a.weight")));
  EXPECT_TRUE(moved.is_same(module.parameters()[0].second));
  EXPECT_FALSE(moved.is_same(weight));
  EXPECT_TRUE(moved.requires_grad());
  EXPECT_FALSE(moved.grad().defined());
  const at::Tensor y = module.forward(at::zeros({3, 2}, at::device(c10::kMeta).dtype(at::kDouble)));
  EXPECT_EQ(shape_of(y), (Shape{3, 2}));
}

TEST(GraphModule, ANetworkWithoutTensorsIsOnTheCpu) {
  const GraphModule module(graph_of("x = Input() shape=[1, 2]\ny = Relu(x)\nreturn y"), {});
  EXPECT_EQ(module.device(), c10::Device(c10::kCPU));
  EXPECT_TRUE(module.parameters().empty());
}

/// Told by LibTorch of every allocation on the CPU while a guard is up.
class MemoryLog : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t size, size_t, size_t, c10::Device) override {
    live_ += size;
    peak_ = std::max(peak_, live_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t peak() const { return peak_; }

 private:
  int64_t live_ = 0;
  int64_t peak_ = 0;
};

/// The largest number of tensors like `input` that stood beside it at one time during a forward.
double peak_tensors(const GraphModule& module, const at::Tensor& input) {
  const auto log = std::make_shared<MemoryLog>();
  {
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, log);
    module.forward(input);
  }
  return static_cast<double>(log->peak()) / static_cast<double>(input.nbytes());
}

TEST(GraphModule, ReleasesAValueOnceItsLastReaderRan) {
  std::string chain = "x = Input() shape=[1, 1000]\nn0 = Tanh(x)\n";
  for (int i = 1; i < 20; ++i) chain += cat("n", i, " = Tanh(n", i - 1, ")\n");
  const GraphModule module(graph_of(chain + "return n19"), {});
  const at::Tensor x = at::zeros({100, 1000});
  const at::NoGradGuard no_grad;
  // One that is read and one that is made; a value held to the end would make it 20.
  EXPECT_NEAR(peak_tensors(module, x), 2, 0.1);
}

TEST(GraphModule, HoldsAValueUntilItsLastReaderRan) {
  const GraphModule module(
      graph_of("x = Input() shape=[1, 1000]\na = Tanh(x)\nb = Tanh(a)\nunread = Tanh(b)\n"
               "c = Tanh(b)\nd = Add(a, c)\ne = Tanh(d)\nf = Tanh(e)\nreturn f"),
      {});
  const at::NoGradGuard no_grad;
  // a, b and c; or a, c and d. What nothing reads goes at once.
  EXPECT_NEAR(peak_tensors(module, at::zeros({100, 1000})), 3, 0.1);
}

}  // namespace
}  // namespace morph
