#include "morph/regularize/network_regularizer.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "expect_error.h"
#include "gated.h"
#include "nn/run_text.h"
#include "random_graph.h"
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include "morph/base/random.h"
#include "morph/train/flat_parameters.h"

namespace morph {
namespace {

using Values = std::vector<double>;

/// Two normalised layers whose outputs are added, so that each channel has two gates.
constexpr const char* kTied = R"(
x = Input() shape=[1, 3, 4, 4]
a = Conv(x; weight=[3, 3, 1, 1])
na = BatchNormalization(a; weight=[3], bias=[3], running_mean=[3], running_var=[3])
b = Conv(x; weight=[3, 3, 1, 1])
nb = BatchNormalization(b; weight=[3], bias=[3], running_mean=[3], running_var=[3])
sum = Add(na, nb)
head = Conv(sum; weight=[2, 3, 1, 1])
return head
)";

// Of one channel in kTied: 2 · 16 pixels for each of 3 + 3 channels that a and b read, and for each
// of the 2 that head makes.
constexpr double kPrice = 32 * (3 + 3 + 2);

TEST(NetworkRegularizer, TiedGatesCountByTheLargest) {
  const GraphModule module =
      gated(kTied, {{"na.weight", {0.5, -0.25, 0.125}}, {"nb.weight", {0.25, 0.75, -0.375}}});
  NetworkRegularizer regularizer(module, {"flops"}, {.threshold = 0.4});
  const Values values = regularizer.set_values();
  // Sets 0 to 2 are the image's, 3 to 5 those of a and b, 6 and 7 those of head.
  EXPECT_EQ(values, (Values{0, 0, 0, 0.5, 0.75, 0.375, 0, 0}));
  EXPECT_EQ(regularizer.removable(),
            (std::vector<bool>{false, false, false, true, true, true, false, false}));
  const Regularization now = regularizer.evaluate();
  EXPECT_EQ(to_vector(now.costs), Values{kPrice * 2});  // The third channel is dead.
  EXPECT_EQ(to_vector(now.terms), Values{kPrice * 1.625});
}

TEST(NetworkRegularizer, TheLargestGateBearsThePriceWithItsSign) {
  const GraphModule module =
      gated(kTied, {{"na.weight", {0.5, -0.25, 0.125}}, {"nb.weight", {0.25, 0.75, -0.375}}});
  NetworkRegularizer regularizer(module, {"flops"});
  regularizer.set_strengths({2});
  regularizer.accumulate_gradient();
  EXPECT_EQ(gradient(module, "na.weight"), (Values{2 * kPrice, 0, 0}));
  EXPECT_EQ(gradient(module, "nb.weight"), (Values{0, 2 * kPrice, -2 * kPrice}));
}

TEST(NetworkRegularizer, EqualGatesShareThePrice) {
  const GraphModule module =
      gated(kTied, {{"na.weight", {0.5, 0.5, 0}}, {"nb.weight", {-0.5, 0.25, 0}}});
  NetworkRegularizer regularizer(module, {"flops"}, {.threshold = 0});
  regularizer.set_strengths({1});
  const Regularization now = regularizer.accumulate_gradient();
  EXPECT_EQ(to_vector(now.terms), Values{kPrice});
  EXPECT_EQ(gradient(module, "na.weight"), (Values{kPrice / 2, kPrice, 0}));
  EXPECT_EQ(gradient(module, "nb.weight"), (Values{-kPrice / 2, 0, 0}));
  EXPECT_EQ(to_vector(regularizer.term())[0], kPrice);
}

TEST(NetworkRegularizer, DeadChannelsAreChargedButDoNotRaisePrices) {
  const GraphModule module = gated(R"(
x = Input() shape=[1, 1, 1, 1]
a = Conv(x; weight=[2, 1, 1, 1])
na = BatchNormalization(a; weight=[2], bias=[2], running_mean=[2], running_var=[2])
b = Conv(na; weight=[3, 2, 1, 1])
nb = BatchNormalization(b; weight=[3], bias=[3], running_mean=[3], running_var=[3])
head = Conv(nb; weight=[1, 3, 1, 1])
return head
)",
                                   {{"na.weight", {1, 0.25}}, {"nb.weight", {1, 1, 0.25}}});
  NetworkRegularizer regularizer(module, {"flops"}, {.threshold = 0.5});
  regularizer.set_strengths({1});
  regularizer.accumulate_gradient();
  // A channel of a: 2 for the image it reads, 2 for each of two alive channels of b.
  EXPECT_EQ(gradient(module, "na.weight"), (Values{6, 6}));
  // A channel of b: 2 for the one alive channel of a, 2 for head.
  EXPECT_EQ(gradient(module, "nb.weight"), (Values{4, 4, 4}));
}

TEST(NetworkRegularizer, AChannelAtTheThresholdIsDead) {
  const GraphModule module =
      gated(kTied, {{"na.weight", {0.5, 0.25, 0.75}}, {"nb.weight", {0.5, 0, 0}}});
  const NetworkRegularizer regularizer(module, {"flops"}, {.threshold = 0.5});
  EXPECT_EQ(to_vector(regularizer.evaluate().costs), Values{kPrice});
  EXPECT_EQ(regularizer.structure().layers.at("b").alive, (std::vector<bool>{false, false, true}));
}

TEST(NetworkRegularizer, PinnedChannelsAreAliveAndNotCharged) {
  // The first two channels of the concatenation are the image's; the last normalization is the
  // network's output.
  const GraphModule module = gated(R"(
x = Input() shape=[1, 2, 1, 1]
a = Conv(x; weight=[1, 2, 1, 1])
cat = Concat(x, a) axis=1
n = BatchNormalization(cat; weight=[3], bias=[3], running_mean=[3], running_var=[3])
head = Conv(n; weight=[2, 3, 1, 1])
out = BatchNormalization(head; weight=[2], bias=[2], running_mean=[2], running_var=[2])
return out
)",
                                   {{"n.weight", {0.001, 0.5, 0.25}}, {"out.weight", {0.001, 1}}});
  NetworkRegularizer regularizer(module, {"flops"}, {.threshold = 0.01});
  regularizer.set_strengths({1});
  ASSERT_EQ(regularizer.sites().size(), 1U);
  EXPECT_EQ(regularizer.sites()[0].tensor, "n.weight");
  const Regularization now = regularizer.accumulate_gradient();
  EXPECT_EQ(to_vector(now.costs), Values{2 * 2 * 1 + 2 * 3 * 2});
  EXPECT_EQ(to_vector(now.terms), Values{0.25 * (4 + 4)});
  EXPECT_EQ(gradient(module, "n.weight"), (Values{0, 0, 8}));
  EXPECT_EQ(gradient(module, "out.weight"), (Values{0, 0}));
  EXPECT_EQ(regularizer.structure(0.3).layers.at("a").alive_width(), 0);
  EXPECT_EQ(regularizer.structure(0.3).layers.at("head").alive_width(), 2);
}

TEST(NetworkRegularizer, AScaleThatTwoNodesShareIsOneGate) {
  const GraphModule module = gated(R"(
x = Input() shape=[1, 1, 1, 1]
a = Conv(x; weight=[2, 1, 1, 1])
na = BatchNormalization(a; weight=[2] @ g, bias=[2], running_mean=[2], running_var=[2])
b = Conv(na; weight=[2, 2, 1, 1])
nb = BatchNormalization(b; weight=[2] @ g, bias=[2], running_mean=[2], running_var=[2])
head = Conv(nb; weight=[1, 2, 1, 1])
return head
)",
                                   {{"g", {1, 0.5}}});
  NetworkRegularizer regularizer(module, {"flops"});
  ASSERT_EQ(regularizer.sites().size(), 1U);
  // a 2 · 1 · 2, b 2 · 2 · 2, head 2 · 2 · 1; a channel is read and made: 2 + (4 + 4) + 2 each.
  EXPECT_EQ(to_vector(regularizer.evaluate().costs), Values{16});
  EXPECT_EQ(to_vector(regularizer.evaluate().terms), Values{12 * 1.5});
}

TEST(NetworkRegularizer, StructureKeepsWhatIsAboveAThreshold) {
  const GraphModule module =
      gated(kTied, {{"na.weight", {0.5, -0.25, 0.125}}, {"nb.weight", {0.25, 0.75, -0.375}}});
  const NetworkRegularizer regularizer(module, {"flops"}, {.threshold = 0.01});
  EXPECT_EQ(regularizer.structure().layers.at("a").alive_width(), 3);
  EXPECT_EQ(regularizer.structure().layers.at("a").threshold, 0.01);
  const Structure strict = regularizer.structure(0.4);
  EXPECT_EQ(strict.layers.at("a").alive, (std::vector<bool>{true, true, false}));
  EXPECT_EQ(strict.layers.at("b").alive, strict.layers.at("a").alive);
  EXPECT_EQ(strict.layers.at("head").alive_width(), 2);
  EXPECT_EQ(strict.layers.at("head").threshold, 0.4);
}

TEST(NetworkRegularizer, NothingToPrune) {
  const GraphModule plain = gated(
      "x = Input() shape=[1, 3, 4, 4]\na = Conv(x; weight=[2, 3, 1, 1])\nb = Conv(a; weight=[2, 2, "
      "1, 1])\nreturn b\n",
      {});
  EXPECT_ERROR(NetworkRegularizer(plain, {"flops"}),
               "network 'test' has nothing to prune: no gate of the kind gamma decides about a. "
               "Turn on the scale of a BatchNormalization");
  const GraphModule pinned = gated(
      "x = Input() shape=[1, 3, 4, 4]\nn = BatchNormalization(x; weight=[3], bias=[3], "
      "running_mean=[3], running_var=[3])\nb = Conv(n; weight=[2, 3, 1, 1])\nreturn b\n",
      {});
  EXPECT_ERROR(NetworkRegularizer(pinned, {"flops"}), "has nothing to prune");
}

TEST(NetworkRegularizer, UnknownCost) {
  const GraphModule module = gated(kTied, {});
  EXPECT_ERROR(NetworkRegularizer(module, {"flopps"}), "Did you mean 'flops'?");
}

/// A random network whose gates all have different sizes, multiples of 2^-10 with random signs.
struct RandomNetwork {
  explicit RandomNetwork(uint64_t seed) : random(seed), module(make(seed)) {}

  GraphModule make(uint64_t seed) {
    at::set_num_threads(1);
    Graph graph = random_graph(seed);
    Random weights(seed);
    Params params = random_double_params(graph, weights);
    int64_t count = 0;
    for (const auto& [name, tensor] : params) count += tensor.numel();
    Values sizes(static_cast<size_t>(count));
    for (size_t i = 0; i < sizes.size(); ++i) sizes[i] = 0x1p-10 * static_cast<double>(i + 1);
    for (size_t i = sizes.size(); i-- > 1;) {
      std::swap(sizes[i], sizes[static_cast<size_t>(random.below(static_cast<int64_t>(i) + 1))]);
    }
    for (auto& [name, tensor] : params) {
      double* data = tensor.mutable_data_ptr<double>();
      for (int64_t i = 0; i < tensor.numel(); ++i) {
        data[i] = random.chance(0.5) ? sizes.back() : -sizes.back();
        sizes.pop_back();
      }
    }
    return GraphModule(std::move(graph), std::move(params));
  }

  Random random;
  GraphModule module;
};

/// Whether the network has a gate at all.
std::unique_ptr<NetworkRegularizer> regularizer_of(const GraphModule& module,
                                                   const std::vector<std::string>& costs,
                                                   double threshold) {
  try {
    return std::make_unique<NetworkRegularizer>(
        module, costs, RegularizerOptions{.threshold = threshold});
  } catch (const Error&) {
    return nullptr;
  }
}

/// Half of the smallest distance between two gates, so that a step less than it changes neither
/// which gate of a set is the largest nor, with a threshold between two gates, what is alive.
constexpr double kStep = 0x1p-12;
constexpr double kBetweenGates = 0x1p-11;

/// Compares the gradient of term() with difference quotients, exact but for rounding: between such
/// steps the term is linear in the gates. Returns the number of gates.
int64_t check_gradient(const GraphModule& module, const NetworkRegularizer& regularizer) {
  drop_gradients(module);
  regularizer.term().backward();
  const double here = to_vector(regularizer.term())[0];
  int64_t gates = 0;
  const at::NoGradGuard no_grad;
  for (const GateSite& site : regularizer.sites()) {
    const at::Tensor& gate = module.params().at(site.tensor);
    const Values slopes = gradient(module, site.tensor);
    double* data = gate.mutable_data_ptr<double>();
    for (size_t i = 0; i < slopes.size(); ++i, ++gates) {
      const double value = data[i];
      data[i] = value + kStep;
      const double quotient = (to_vector(regularizer.term())[0] - here) / kStep;
      data[i] = value;
      // 2^-53 of the term in each of two values, over the step, times a few operations.
      EXPECT_NEAR(slopes[i], quotient, 1e-10 * std::abs(here)) << site.tensor << " " << i;
    }
  }
  return gates;
}

class Gradients : public ::testing::TestWithParam<std::vector<std::string>> {};

TEST_P(Gradients, AgreeWithFiniteDifferencesOnRandomNetworks) {
  int64_t gates = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    const RandomNetwork network(seed);
    const double threshold = 0.25 + kBetweenGates;
    const auto regularizer = regularizer_of(network.module, GetParam(), threshold);
    if (!regularizer) continue;
    Values strengths;
    for (size_t k = 0; k < GetParam().size(); ++k) strengths.push_back(1.0 + 3.0 * double(k));
    regularizer->set_strengths(strengths);
    gates += check_gradient(network.module, *regularizer);
  }
  EXPECT_GT(gates, 500);
}

INSTANTIATE_TEST_SUITE_P(Costs,
                         Gradients,
                         ::testing::Values(std::vector<std::string>{"flops"},
                                           std::vector<std::string>{"params"},
                                           std::vector<std::string>{"activations"},
                                           std::vector<std::string>{
                                               "flops", "params", "activations"}));

/// Expects accumulate_gradient() to add what term().backward() does onto gradients that are there.
void expect_same_gradients(const GraphModule& module, NetworkRegularizer& regularizer) {
  const auto fill = [&] {
    for (const GateSite& site : regularizer.sites()) {
      at::Tensor gate = module.params().at(site.tensor);
      if (!gate.grad().defined()) gate.mutable_grad() = gate.detach().clone();
      gate.grad().fill_(0.5);
    }
  };
  fill();
  regularizer.term().backward();
  std::map<std::string, Values> expected;
  for (const GateSite& site : regularizer.sites()) {
    expected[site.tensor] = gradient(module, site.tensor);
  }
  fill();
  const Regularization now = regularizer.accumulate_gradient();
  for (const GateSite& site : regularizer.sites()) {
    EXPECT_EQ(gradient(module, site.tensor), expected[site.tensor]) << site.tensor;
  }
  EXPECT_EQ(to_vector(now.costs), to_vector(regularizer.evaluate().costs));
}

TEST(NetworkRegularizer, AccumulatedGradientIsThatOfTheTerm) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    RandomNetwork network(seed);
    const auto regularizer = regularizer_of(network.module, {"flops", "params"}, 0.25);
    if (!regularizer) continue;
    regularizer->set_strengths({0.5, 2});
    expect_same_gradients(network.module, *regularizer);
  }
}

GraphModule in_floats(const GraphModule& module) {
  Params params;
  for (const auto& [name, tensor] : module.params()) {
    params[name] = tensor.detach().to(at::kFloat).clone();
  }
  return GraphModule(module.graph(), std::move(params));
}

TEST(NetworkRegularizer, NothingChangesWhenATrainerLaysTheGatesEndToEnd) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    GraphModule module = in_floats(RandomNetwork(seed).module);
    const auto regularizer = regularizer_of(module, {"flops", "params"}, 0.25);
    if (!regularizer) continue;
    regularizer->set_strengths({0.5, 2});
    const Regularization before = regularizer->evaluate();
    FlatParameters flat(module, at::MemoryFormat::Contiguous);
    const Regularization after = regularizer->evaluate();
    EXPECT_EQ(to_vector(after.terms), to_vector(before.terms));
    EXPECT_EQ(to_vector(after.costs), to_vector(before.costs));
    EXPECT_EQ(to_vector(after.slopes), to_vector(before.slopes));
    expect_same_gradients(module, *regularizer);
  }
}

TEST(NetworkRegularizer, APinnedScaleAmongTheOthersIsStepped) {
  GraphModule module = gated(R"(
x = Input() shape=[1, 2, 1, 1]
a = Conv(x; weight=[3, 2, 1, 1])
na = BatchNormalization(a; weight=[3], bias=[3], running_mean=[3], running_var=[3])
b = Conv(na; weight=[2, 3, 1, 1])
nb = BatchNormalization(b; weight=[2], bias=[2], running_mean=[2], running_var=[2])
sum = Add(nb, x)
c = Conv(sum; weight=[4, 2, 1, 1])
nc = BatchNormalization(c; weight=[4], bias=[4], running_mean=[4], running_var=[4])
head = Conv(nc; weight=[1, 4, 1, 1])
return head
)",
                             {{"na.weight", {1, 2, 3}}, {"nc.weight", {4, 5, 6, 7}}});
  FlatParameters flat(module, at::MemoryFormat::Contiguous);
  NetworkRegularizer regularizer(module, {"flops"});
  regularizer.set_strengths({1});
  regularizer.accumulate_gradient();
  const auto slopes = [&](const char* name) { return to_vector(flat.view(flat.grads(), name)); };
  EXPECT_EQ(slopes("na.weight"), (Values{8, 8, 8}));
  EXPECT_EQ(slopes("nb.weight"), (Values{0, 0}));
  EXPECT_EQ(slopes("nc.weight"), (Values{6, 6, 6, 6}));
  expect_same_gradients(module, regularizer);
}

}  // namespace
}  // namespace morph
