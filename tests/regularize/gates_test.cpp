#include <algorithm>

#include "gated.h"
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/relu.h>
#include <gtest/gtest.h>

#include "morph/base/random.h"
#include "morph/nn/fold_gates.h"
#include "morph/regularize/gamma_gates.h"
#include "morph/transform/insert_gates.h"

namespace morph {
namespace {

TEST(FindGammaGates, ListsScalesWithTheirSets) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 2, 1, 1]
nx = BatchNormalization(x; weight=[2], bias=[2], running_mean=[2], running_var=[2])
a = Conv(nx; weight=[1, 2, 1, 1])
b = Conv(nx; weight=[2, 2, 1, 1])
cat = Concat(b, a) axis=1
n = BatchNormalization(cat; weight=[3] @ scale, bias=[3], running_mean=[3], running_var=[3])
head = Conv(n; weight=[2, 3, 1, 1])
return head
)");
  const ChannelGroups groups = find_channel_groups(graph);
  const std::vector<GateSite> sites = find_gamma_gates(graph, groups);
  ASSERT_EQ(sites.size(), 1U);  // The image's channels are pinned.
  EXPECT_EQ(sites[0].node, graph.find("n"));
  EXPECT_EQ(sites[0].tensor, "scale");
  const ChannelId a = groups.made_by(graph.find("a").value())[0];
  EXPECT_EQ(sites[0].sets, (std::vector<ChannelId>{a + 1, a + 2, a}));
}

/// Eight hidden channels where one is enough: the target is relu(x0 − x1).
constexpr const char* kToy = R"(
x = Input() shape=[1, 2, 1, 1]
a = Conv(x; weight=[8, 2, 1, 1])
n = BatchNormalization(a; weight=[8], bias=[8], running_mean=[8], running_var=[8])
r = Relu(n)
flat = Flatten(r)
fc = Gemm(flat; weight=[1, 8], bias=[1])
return fc
)";

constexpr const char* kToyWithoutNormalization = R"(
x = Input() shape=[1, 2, 1, 1]
a = Conv(x; weight=[8, 2, 1, 1], bias=[8])
r = Relu(a)
flat = Flatten(r)
fc = Gemm(flat; weight=[1, 8], bias=[1])
return fc
)";

at::Tensor examples() {
  Random random(7);
  std::vector<double> values;
  for (int i = 0; i < 2 * 256; ++i) values.push_back(2 * random.uniform() - 1);
  return at::tensor(values).to(at::kFloat).reshape({256, 2, 1, 1});
}

constexpr double kRate = 0.1;

/// Trains the toy by plain gradient descent and returns its loss at the end.
double train_toy(const GraphModule& module, NetworkRegularizer& regularizer) {
  const at::Tensor x = examples();
  const at::Tensor target = at::relu(x.select(1, 0) - x.select(1, 1)).reshape({-1, 1});
  double loss = 0;
  for (int step = 0; step < 500; ++step) {
    drop_gradients(module);
    const at::Tensor error = at::mse_loss(module.forward(x), target);
    error.backward();
    regularizer.accumulate_gradient();
    loss = to_vector(error)[0];
    const at::NoGradGuard no_grad;
    for (const auto& [name, tensor] : module.parameters()) {
      at::Tensor(tensor).sub_(tensor.grad(), kRate);
    }
    if (regularizer.is_proximal()) regularizer.proximal_step(at::tensor(kRate));
  }
  return loss;
}

TEST(GammaGates, DriveUselessChannelsBelowTheThreshold) {
  const GraphModule module = gated(kToy, {});
  NetworkRegularizer regularizer(module, {"flops"}, {.threshold = 0.01});
  regularizer.set_strengths({1e-2});
  const double loss = train_toy(module, regularizer);
  const int64_t left = regularizer.structure().layers.at("a").alive_width();
  EXPECT_GE(left, 1);
  EXPECT_LE(left, 4);
  EXPECT_LT(loss, 0.05);  // The target's variance is 0.13.
  EXPECT_LE(to_vector(regularizer.evaluate().costs)[0], 4 * (4 + 2));
}

TEST(GammaGates, WithoutStrengthEveryChannelStays) {
  const GraphModule module = gated(kToy, {});
  NetworkRegularizer regularizer(module, {"flops"}, {.threshold = 0.01});
  EXPECT_LT(train_toy(module, regularizer), 0.01);
  EXPECT_EQ(regularizer.structure().layers.at("a").alive_width(), 8);
}

TEST(GroupLassoGates, DriveUselessChannelsBelowTheThreshold) {
  const GraphModule module = gated(kToyWithoutNormalization, {});
  NetworkRegularizer regularizer(module, {"flops"}, {.threshold = 0.02, .gate = "group-lasso"});
  regularizer.set_strengths({3e-3});
  const double loss = train_toy(module, regularizer);
  const int64_t left = regularizer.structure().layers.at("a").alive_width();
  EXPECT_GE(left, 1);
  EXPECT_LE(left, 4);
  EXPECT_LT(loss, 0.05);
}

TEST(LogisticGates, DriveUselessChannelsBelowTheThreshold) {
  const Graph graph = graph_of(kToyWithoutNormalization);
  const Graph with_gates = insert_gates(graph, {.log_odds = 0.3, .keep_first = false});
  Params params = gated_params(with_gates, initial_params(graph, 1));
  params.at("a.weight").narrow(0, 4, 4).zero_();  // These channels say nothing and never will.
  const GraphModule module(with_gates, params);
  NetworkRegularizer regularizer(
      module,
      {"flops"},
      {.threshold = 0.5, .gate = "logistic-sigmoid", .regularize_on_mask = false});
  regularizer.set_strengths({7.5e-3});
  train_toy(module, regularizer);
  const std::vector<bool> alive = regularizer.structure().layers.at("a").alive;
  EXPECT_TRUE(std::any_of(alive.begin(), alive.begin() + 4, [](bool lives) { return lives; }));
  EXPECT_TRUE(std::none_of(alive.begin() + 4, alive.end(), [](bool lives) { return lives; }));
}

TEST(ProximalSteps, DriveUselessChannelsToExactlyZero) {
  for (const std::string gate : {"gamma", "group-lasso"}) {
    SCOPED_TRACE(gate);
    const bool is_gamma = gate == "gamma";
    const GraphModule module = gated(is_gamma ? kToy : kToyWithoutNormalization, {});
    NetworkRegularizer regularizer(
        module, {"flops"}, {.threshold = 0, .gate = gate, .proximal = true});
    regularizer.set_strengths({is_gamma ? 1e-2 : 3e-3});
    const double loss = train_toy(module, regularizer);
    const int64_t left = regularizer.structure().layers.at("a").alive_width();
    EXPECT_GE(left, 1);
    EXPECT_LE(left, 4);
    EXPECT_LT(loss, 0.05);
  }
}

}  // namespace
}  // namespace morph
