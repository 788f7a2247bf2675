#include <algorithm>
#include <cmath>

#include "models/real_model.h"
#include "temporary_folder.h"
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "morph/base/random.h"
#include "morph/checkpoint/onnx_file.h"
#include "morph/nn/cut.h"
#include "morph/nn/graph_module.h"

namespace morph {
namespace {

constexpr uint64_t kSeed = 7;

/// All sets but half of those of each group that may be removed.
std::vector<bool> half_alive(const ChannelGroups& groups) {
  std::vector<bool> alive(static_cast<size_t>(groups.set_count()), true);
  Random random(kSeed);
  for (const ChannelGroup& group : groups.groups()) {
    std::vector<ChannelId> free;
    for (const ChannelId set : group.sets) {
      if (!groups.pinned(set)) free.push_back(set);
    }
    shuffle(free, random);
    free.resize(free.size() / 2);
    for (const ChannelId set : free) alive[static_cast<size_t>(set)] = false;
  }
  return alive;
}

int64_t count_prunable(const ChannelGroups& groups) {
  return std::ranges::count_if(groups.groups(),
                               [](const ChannelGroup& group) { return group.prunable > 1; });
}

std::vector<at::Tensor> training_batch(const Graph& graph) {
  at::Generator generator = at::detail::createCPUGenerator(kSeed);
  std::vector<at::Tensor> inputs;
  for (const NodeId id : graph.inputs()) {
    Shape shape = graph[id].shape;
    shape.front() = 4;
    inputs.push_back(at::randn(shape, generator, at::TensorOptions(at::kFloat)));
  }
  return inputs;
}

at::Tensor loss_of(const GraphModule& module, const std::vector<at::Tensor>& inputs) {
  at::Tensor loss = at::zeros({});
  for (const at::Tensor& output : module.forward(inputs)) loss = loss + output.square().mean();
  return loss;
}

bool is_finite(const at::Tensor& tensor) { return at::isfinite(tensor).all().item<bool>(); }

/// One step of gradient descent: every parameter has a finite gradient, and the next loss is one.
void expect_trains(const Network& network) {
  GraphModule module(network.graph, *network.params);
  const std::vector<at::Tensor> inputs = training_batch(network.graph);
  loss_of(module, inputs).backward();
  for (const auto& [name, tensor] : module.parameters()) {
    ASSERT_TRUE(tensor.grad().defined()) << name << " has no gradient";
    EXPECT_TRUE(is_finite(tensor.grad())) << "the gradient of " << name << " is not finite";
    const at::NoGradGuard no_grad;
    tensor.sub_(tensor.grad(), 1e-6);
  }
  const at::NoGradGuard no_grad;
  EXPECT_TRUE(is_finite(loss_of(module, inputs)));
}

class RealModels : public ::testing::TestWithParam<std::string> {};

TEST_P(RealModels, IsReadCutWrittenAndTrained) {
  const TemporaryFolder folder;
  const auto seed_file = folder / "seed.onnx";
  onnx::write_model(seed_file, read_real_model(GetParam(), kSeed), onnx::Placement::kOutside);
  const Network network = read_onnx_network(seed_file);

  const OnnxCertificate read = certify_onnx(seed_file, network);
  if (!read.was_run) GTEST_SKIP() << "the Python interpreter has no package onnxruntime";
  EXPECT_LE(read.difference, kLargestOnnxDifference);

  const ChannelGroups groups = find_channel_groups(network.graph);
  EXPECT_GT(count_prunable(groups), 0);
  Cut cut = cut_channels(network.graph, *network.params, groups, half_alive(groups));
  const Network small{.graph = std::move(cut.graph), .params = std::move(cut.params)};
  const OnnxCertificate written = write_onnx_network(folder / "small.onnx", small);
  EXPECT_LE(cut.equivalence + written.difference, kLargestOnnxDifference);

  expect_trains(network);
}

INSTANTIATE_TEST_SUITE_P(Torch,
                         RealModels,
                         ::testing::ValuesIn(real_models()),
                         [](const ::testing::TestParamInfo<std::string>& entry) {
                           std::string name = entry.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace morph
