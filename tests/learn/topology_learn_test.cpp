// Networks of the zoo that have lost whole parts, by hand or by learning, train on and export.

#include <algorithm>
#include <cmath>
#include <string>

#include "tiny_run.h"
#include "zoo/dead_parts.h"
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "morph/checkpoint/onnx_file.h"
#include "morph/nn/cut.h"
#include "morph/nn/sample_outputs.h"
#include "morph/zoo/zoo.h"

namespace morph {
namespace {

/// A step of training reaches every trainable tensor with a finite gradient.
void expect_trains(const Graph& graph, const Params& params) {
  Params copies;
  for (const auto& [name, tensor] : params) copies[name] = tensor.clone();
  GraphModule module(graph, std::move(copies));
  Shape shape = graph[graph.inputs().front()].shape;
  shape.front() = 4;
  const at::Tensor output = module.forward(at::randn(shape));
  output.square().mean().backward();
  for (const auto& [name, tensor] : module.parameters()) {
    ASSERT_TRUE(tensor.grad().defined()) << name;
    EXPECT_TRUE(std::isfinite(tensor.grad().abs().sum().item<double>())) << name;
  }
}

/// A folder of the running test's own: they run side by side.
std::string own_folder(const std::string& purpose) {
  std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  std::ranges::replace(name, '/', '_');
  return purpose + "_" + name;
}

/// The file computes what the network does, in ONNX Runtime (or it is not written) and read again.
void expect_exports(const Graph& graph, const Params& params) {
  const test::ScratchFolder scratch(own_folder("topology_export"));
  const std::filesystem::path path = scratch.path() / "network.onnx";
  write_onnx_network(path, {.graph = graph, .params = params});
  const Network again = read_onnx_network(path);
  EXPECT_LT(relative_difference(sample_outputs(graph, params),
                                sample_outputs(again.graph, *again.params)),
            1e-6);
}

class DeadPartsOfNetworks : public ::testing::TestWithParam<zoo::DeadPart> {};

TEST_P(DeadPartsOfNetworks, LeaveANetworkThatTrainsAndExports) {
  at::set_num_threads(1);
  const Graph graph = zoo::build(GetParam().network);
  const ChannelGroups groups = find_channel_groups(graph);
  const Cut cut = cut_channels(graph,
                               initial_params(graph, 3),
                               groups,
                               zoo::alive_without(graph, groups, GetParam().layers));
  EXPECT_FALSE(cut.removed.empty());
  expect_trains(cut.graph, cut.params);
  expect_exports(cut.graph, cut.params);
}

INSTANTIATE_TEST_SUITE_P(Zoo, DeadPartsOfNetworks, ::testing::ValuesIn(zoo::dead_parts()));

struct Family {
  const char* network;
  double flops;  ///< Share of the seed's.
};

class LearnedTopology : public ::testing::TestWithParam<Family> {};

TEST_P(LearnedTopology, LosesBranchesAndStillTrainsAndExports) {
  const test::ScratchFolder scratch(own_folder("topology"));
  test::TinyRun tiny(scratch.path());
  const DataSplits data = make_synthetic(
      {.classes = 4, .shape = {.channels = 3, .height = 32, .width = 32}, .train = 48, .test = 8});
  LearnOptions options = test::tiny_options();
  options.budgets = {{.cost = "flops", .amount = GetParam().flops}};
  options.structure = {.epochs = 1, .batch_size = 16, .final_rate = 0.1};
  options.retrain = {.epochs = 1, .batch_size = 16};
  options.compare = {};
  options.inherit = true;
  options.min_branch = 0.9;  // So that parts go within three steps of training.
  const Session session = tiny.session();
  const Graph seed = zoo::build(GetParam().network, zoo::Task{.classes = 4, .input = {3, 32, 32}});
  const LearnResult result =
      learn({.data = data, .folder = session.folder, .out = session.out}, {.graph = seed}, options);
  const TrainedNetwork& learned = result.networks.at("learned");
  EXPECT_LE(learned.costs.at("flops"),
            GetParam().flops * result.networks.at("seed").costs.at("flops"));
  EXPECT_FALSE(result.removed.empty());
  EXPECT_LT(result.equivalence, 1e-5);
  expect_trains(learned.graph, learned.params);
  expect_exports(learned.graph, learned.params);
}

INSTANTIATE_TEST_SUITE_P(Zoo,
                         LearnedTopology,
                         ::testing::Values(Family{"resnet20?width=0.5", 0.5},
                                           Family{"resnet50?width=0.125", 0.5},
                                           Family{"densenet121?width=0.25", 0.5},
                                           Family{"inception_v2?width=0.125", 0.5},
                                           Family{"mobilenet_v2?width=0.25", 0.5},
                                           Family{"efficientnet_b0?width=0.25", 0.5},
                                           Family{"shufflenet_v2_x0_5", 0.5}),
                         [](const auto& family) {
                           std::string name = family.param.network;
                           name = name.substr(0, name.find('?'));
                           return name;
                         });

}  // namespace
}  // namespace morph
