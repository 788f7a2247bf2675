#include "morph/nn/insert_batch_norm.h"

#include "expect_error.h"
#include "graph_text.h"
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "morph/ir/text.h"
#include "morph/nn/graph_module.h"

namespace morph {
namespace {

const char* const kFolded =
    "x = Input() shape=[1, 3, 6, 6]\n"
    "a = Conv(x; bias=[4], weight=[4, 3, 3, 3])\n"
    "r = Relu(a)\n"
    "b = Conv(r; weight=[5, 4, 3, 3])\n"
    "p = GlobalAveragePool(b)\n"
    "f = Flatten(p)\n"
    "y = Gemm(f; bias=[2], weight=[2, 5])\n"
    "return y\n";

at::Tensor output(const Graph& graph, const Params& params, const at::Tensor& x) {
  GraphModule module(graph, params);
  module.set_training(false);
  const at::NoGradGuard no_grad;
  return module.forward(x);
}

TEST(InsertBatchNorm, StandsBehindEveryLayerThatMayShrink) {
  const Graph graph = graph_of(kFolded);
  const Normalized result = insert_batch_norm(graph, initial_params(graph, 1));
  EXPECT_EQ(result.layers, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(result.graph[*result.graph.find("r")].inputs[0], *result.graph.find("a.norm"));
  EXPECT_EQ(result.graph[*result.graph.find("y")].inputs[0], *result.graph.find("f"));
}

TEST(InsertBatchNorm, ChangesNothingWithOrWithoutData) {
  const Graph graph = graph_of(kFolded);
  const Params params = initial_params(graph, 1);
  const std::vector<at::Tensor> batches = {at::randn({8, 3, 6, 6}), at::randn({4, 3, 6, 6})};
  const at::Tensor x = at::randn({5, 3, 6, 6});
  const at::Tensor expected = output(graph, params, x);
  for (const auto& data : {std::vector<at::Tensor>{}, batches}) {
    const Normalized result = insert_batch_norm(graph, params, data);
    const at::Tensor difference = output(result.graph, result.params, x) - expected;
    // A few roundings of float32.
    EXPECT_LE(difference.abs().max().item<double>(),
              1e-6 * expected.abs().max().item<double>() + 1e-6);
  }
}

TEST(InsertBatchNorm, ScalesAreTheSpreadOfTheData) {
  const Graph graph = graph_of(
      "x = Input() shape=[1, 1, 1, 1]\na = Conv(x; weight=[2, 1, 1, 1])\n"
      "b = Conv(a; weight=[1, 2, 1, 1])\nreturn b\n");
  Params params = initial_params(graph, 1);
  params.at("a.weight").fill_(2);
  // 2·{−1, 3}: mean 2, variance 16.
  at::Tensor batch = at::randn({2, 1, 1, 1});
  batch[0].fill_(-1);
  batch[1].fill_(3);
  const Normalized result = insert_batch_norm(graph, params, {batch});
  EXPECT_FLOAT_EQ(result.params.at("a.norm.bias")[0].item<float>(), 2);
  EXPECT_FLOAT_EQ(result.params.at("a.norm.running_var")[1].item<float>(), 16);
  EXPECT_NEAR(result.params.at("a.norm.weight")[1].item<float>(), 4, 1e-5);
}

TEST(InsertBatchNorm, NetworksThatLackNoneAreRefused) {
  const Graph graph = graph_of("x = Input() shape=[1, 3]\ny = Gemm(x; weight=[2, 3])\nreturn y\n");
  EXPECT_ERROR(insert_batch_norm(graph, initial_params(graph, 1)),
               "has no layer that lacks a BatchNormalization");
}

}  // namespace
}  // namespace morph
