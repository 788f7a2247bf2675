#include "morph/regularize/logistic_gates.h"

#include <cmath>

#include "expect_error.h"
#include "gated.h"
#include "nn/run_text.h"
#include "random_graph.h"
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>

#include "morph/base/random.h"
#include "morph/nn/cut.h"
#include "morph/nn/fold_gates.h"
#include "morph/train/flat_parameters.h"
#include "morph/transform/insert_gates.h"

namespace morph {
namespace {

using Values = std::vector<double>;

RegularizerOptions logistic(double threshold) {
  return {.threshold = threshold, .gate = "logistic-sigmoid"};
}

/// NET-A of the goldens without normalization and with a gate behind each convolution.
GraphModule gated_net_a(double on, double off) {
  at::set_num_threads(1);
  const Graph graph = graph_of(R"(
image = Input() shape=[1, 3, 17, 19]
conv1 = Conv(image; weight=[13, 3, 7, 5], bias=[13]) pads=[3, 2, 3, 2]
relu1 = Relu(conv1)
conv2 = Conv(image; weight=[23, 3, 1, 1], bias=[23])
relu2 = Relu(conv2)
cat = Concat(relu1, relu2) axis=1
conv3 = Conv(cat; weight=[29, 36, 3, 3], bias=[29]) pads=[1, 1, 1, 1] strides=[2, 2]
relu3 = Relu(conv3)
conv4 = Conv(cat; weight=[31, 36, 1, 1], bias=[31])
relu4 = Relu(conv4)
mean3 = GlobalAveragePool(relu3)
mean4 = GlobalAveragePool(relu4)
means = Concat(mean3, mean4) axis=1
flat = Flatten(means)
fc = Gemm(flat; weight=[1, 60])
return fc
)");
  const Graph with_gates = insert_gates(graph, {.temperature = 0.01});
  Params params = gated_params(with_gates, initial_params(graph, 1));
  const auto set = [&](const char* layer, int64_t alive) {
    at::Tensor logits = params.at(std::string(layer) + ".gate.logits");
    logits.fill_(off).narrow(0, 0, alive).fill_(on);
  };
  set("conv1", 7);
  set("conv2", 11);
  set("conv3", 10);
  set("conv4", 17);
  return GraphModule(with_gates, std::move(params));
}

at::Tensor image() { return at::randn({2, 3, 17, 19}); }

TEST(LogisticGoldens, F1CostsOfNetA) {
  const GraphModule module = gated_net_a(1000, -1000);
  module.forward(image());
  const NetworkRegularizer regularizer(module, {"flops", "weights"}, logistic(0.1));
  // The four convolutions, and the dense layer that reads 27 alive means.
  EXPECT_EQ(to_vector(regularizer.evaluate().costs),
            (Values{474810 + 21318 + 291600 + 197676 + 2 * 27, 735 + 33 + 1620 + 306 + 27}));
  EXPECT_EQ(regularizer.structure().layers.at("conv3").alive_width(), 10);
}

TEST(LogisticGoldens, F2TheWalkLeavesOutGatesBeforeTheInputBoundary) {
  const GraphModule module = gated_net_a(1000, -1000);
  const auto gates_from = [&](const std::vector<std::string>& boundary) {
    RegularizerOptions options = logistic(0.1);
    options.scope.from = boundary;
    std::vector<std::string> tensors;
    const NetworkRegularizer regularizer(module, {"flops"}, options);
    for (const GateSite& site : regularizer.sites()) tensors.push_back(site.tensor);
    return tensors;
  };
  EXPECT_EQ(
      gates_from({}),
      (std::vector<std::string>{
          "conv1.gate.logits", "conv2.gate.logits", "conv3.gate.logits", "conv4.gate.logits"}));
  EXPECT_EQ(
      gates_from({"conv3\\.gate"}),
      (std::vector<std::string>{"conv1.gate.logits", "conv2.gate.logits", "conv4.gate.logits"}));
  EXPECT_ERROR(gates_from({"fc"}), "nothing to prune");
}

/// A gate on as many channels as there are logits.
GraphModule single_gate(const Values& logits, const std::string& attributes) {
  const auto n = logits.size();
  GraphModule module = gated(cat("x = Input() shape=[1, ",
                                 n,
                                 ", 2, 2]\ng = LogisticGate(x; logits=[",
                                 n,
                                 "], noise=[",
                                 n,
                                 "]) ",
                                 attributes,
                                 "\nreturn g\n"),
                             {{"g.logits", logits}});
  return module;
}

Values mask_of(const GraphModule& module, int64_t channels) {
  return to_vector(module.forward(at::ones({1, channels, 2, 2})).select(3, 0).select(2, 0));
}

TEST(LogisticGoldens, F3MeansOfSampledMasks) {
  for (const char* form : {"straight_through=0", "straight_through=1"}) {
    for (const auto& [logit, mean] :
         {std::pair{5.5, 0.996}, {0.5, 0.6}, {-5.5, 0.004}, {1000.0, 1.0}, {-1000.0, 0.0}}) {
      const GraphModule module =
          single_gate(Values(1000, logit), cat("temperature=0.01 keep_first=0 ", form));
      double sum = 0;
      for (const double value : mask_of(module, 1000)) sum += value;
      EXPECT_NEAR(sum / 1000, mean, 0.07) << logit;  // As in the original's test.
    }
  }
}

TEST(LogisticGoldens, F4NothingHappensToChannelsThatAreCertain) {
  GraphModule module = single_gate(Values(4, 1000), "");
  module.set_training(false);
  EXPECT_EQ(mask_of(module, 4), Values(4, 1));
}

TEST(LogisticGoldens, F6MasksAtInference) {
  const Values logits = {-1, 0, 0.5, 2};
  const auto expect = [&](const std::string& attributes, const Values& expected) {
    GraphModule module = single_gate(logits, attributes);
    module.set_training(false);
    const Values mask = mask_of(module, 4);
    // Seven digits, and what a float loses.
    for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(mask[i], expected[i], 1.2e-7) << attributes;
  };
  expect("", {1, 0, 0.6224593, 0.8807971});
  expect("keep_first=0", {0, 0, 0.6224593, 0.8807971});
  expect("soft_inference=0", {1, 0, 1, 1});
}

/// Five gated channels between two layers.
GraphModule five(const std::string& attributes, const std::string& more = "") {
  return gated(cat(R"(
x = Input() shape=[1, 1, 2, 2]
a = Conv(x; weight=[5, 1, 1, 1])
g = LogisticGate(a; logits=[5], noise=[5])",
                   more,
                   ") ",
                   attributes,
                   R"(
head = Conv(g; weight=[1, 5, 1, 1])
return head
)"),
               {{"g.logits", {-2, -0.5, 0, 0.5, 3}}});
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

TEST(LogisticGoldens, F9ChargesTheMaskOrTheProbability) {
  const GraphModule module = five("temperature=0.7 keep_first=0");
  module.forward(at::ones({1, 1, 2, 2}));
  const Values logits = to_vector(module.params().at("g.logits"));
  const Values noise = to_vector(module.params().at("g.noise"));
  double masks = 0;
  double probabilities = 0;
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NE(noise[i], 0);
    masks += sigmoid((logits[i] + noise[i]) / 0.7);
    probabilities += sigmoid(logits[i]);
  }
  RegularizerOptions options = logistic(0.1);
  // "channels" charges 1 for each.
  EXPECT_NEAR(to_vector(NetworkRegularizer(module, {"channels"}, options).evaluate().terms)[0],
              masks,
              1e-6);
  options.regularize_on_mask = false;
  EXPECT_NEAR(to_vector(NetworkRegularizer(module, {"channels"}, options).evaluate().terms)[0],
              probabilities,
              1e-6);
}

TEST(LogisticGoldens, F10AChannelAtTheThresholdIsAlive) {
  const GraphModule module = five("keep_first=0");  // Not run: no noise, the mask is σ(logit / τ).
  const NetworkRegularizer regularizer(module, {"channels"}, logistic(0.5));
  EXPECT_EQ(to_vector(regularizer.evaluate().costs)[0], 1 + 3);  // The output, and logits 0, .5, 3.
  EXPECT_EQ(regularizer.structure().layers.at("a").alive,
            (std::vector<bool>{false, false, true, true, true}));
}

TEST(LogisticGoldens, F11GatesBeginNearlyOpen) {
  const Graph graph = graph_of(
      "x = Input() shape=[1, 1, 2, 2]\na = Conv(x; weight=[2, 1, 1, 1])\nb = Conv(a; weight=[1, 2, "
      "1, 1])\nreturn b\n");
  const Graph with_gates = insert_gates(graph, {.keep_first = false});
  const GraphModule module(with_gates, gated_params(with_gates, initial_params(graph, 0)));
  const NetworkRegularizer regularizer(module, {"channels"}, logistic(0.1));
  const Values values = regularizer.set_values();
  EXPECT_NEAR(*std::max_element(values.begin(), values.end()), 0.9241418, 1.2e-7);
}

TEST(LogisticGates, StructuresDoNotDependOnChance) {
  const GraphModule module = five("temperature=0.7 keep_first=0");
  const NetworkRegularizer regularizer(module, {"channels"}, logistic(0.45));
  for (int i = 0; i < 5; ++i) {
    module.forward(at::ones({1, 1, 2, 2}));
    EXPECT_EQ(regularizer.structure().layers.at("a").alive,
              (std::vector<bool>{false, false, true, true, true}));
  }
}

TEST(LogisticGates, TheFirstChannelIsPinnedIfItIsKept) {
  const GraphModule module = five("");
  const NetworkRegularizer regularizer(module, {"channels"}, logistic(0.99));
  EXPECT_EQ(regularizer.structure().layers.at("a").alive,
            (std::vector<bool>{true, false, false, false, false}));
}

/// The gradient of the term by finite differences of its value, with the noise as it is.
void expect_slopes(const GraphModule& module, const RegularizerOptions& options, double steepest) {
  NetworkRegularizer regularizer(module, {"flops"}, options);
  regularizer.set_strengths({1});
  drop_gradients(module);
  regularizer.term().backward();
  const Values by_autograd = gradient(module, "g.logits");
  drop_gradients(module);
  regularizer.accumulate_gradient();
  const Values slopes = gradient(module, "g.logits");
  at::Tensor logits = module.params().at("g.logits");
  const at::NoGradGuard no_grad;
  for (int64_t i = 0; i < 5; ++i) {
    const double step = 1e-3;  // Its square is the error's share of the third derivative.
    const at::Tensor place = logits.select(0, i);
    const auto value = [&] { return to_vector(regularizer.term())[0]; };
    place.add_(step);
    const double above = value();
    place.sub_(2 * step);
    const double below = value();
    place.add_(step);
    const double quotient = (above - below) / (2 * step);
    EXPECT_NEAR(slopes[static_cast<size_t>(i)], quotient, 1e-2 * steepest) << i;
    EXPECT_NEAR(by_autograd[static_cast<size_t>(i)], slopes[static_cast<size_t>(i)], 1e-4);
  }
}

TEST(LogisticGates, SlopesAreThoseOfTheSoftMask) {
  const GraphModule module = five("temperature=0.7 keep_first=0");
  module.forward(at::ones({1, 1, 2, 2}));
  RegularizerOptions options = logistic(1e-6);
  expect_slopes(module, options, 16 / 0.7 / 4);  // 16 FLOPs a channel, s (1 − s) ≤ 1/4.
  options.regularize_on_mask = false;
  expect_slopes(module, options, 16 / 4.0);
  options.mask_as_alive = false;
  expect_slopes(module, options, 16 / 4.0);
}

TEST(LogisticGates, TemperaturesFall) {
  const GraphModule module = five("temperature=0.8 annealing_rate=2 keep_first=0", ", step=[1]");
  NetworkRegularizer regularizer(module, {"channels"}, logistic(0.1));
  for (int pass = 0; pass < 5; ++pass) {
    module.forward(at::ones({1, 1, 2, 2}));
    const double temperature = 0.8 * std::pow(0.1, pass / 2.0);
    const Values logits = to_vector(module.params().at("g.logits"));
    const Values noise = to_vector(module.params().at("g.noise"));
    double masks = 0;
    for (size_t i = 0; i < 5; ++i) masks += sigmoid((logits[i] + noise[i]) / temperature);
    EXPECT_NEAR(to_vector(regularizer.evaluate().terms)[0], masks, 1e-5) << pass;
  }
}

TEST(LogisticGates, TiedGatesAsProbabilities) {
  const GraphModule module = gated(R"(
x = Input() shape=[1, 1, 1, 1]
a = Conv(x; weight=[2, 1, 1, 1])
ga = LogisticGate(a; logits=[2], noise=[2]) keep_first=0
b = Conv(x; weight=[2, 1, 1, 1])
gb = LogisticGate(b; logits=[2], noise=[2]) keep_first=0
sum = Add(ga, gb)
head = Conv(sum; weight=[1, 2, 1, 1])
return head
)",
                                   {{"ga.logits", {0, 1000}}, {"gb.logits", {1, 1000}}});
  RegularizerOptions options = logistic(0.1);
  options.combination = Combination::kProbabilistic;
  options.regularize_on_mask = false;
  NetworkRegularizer regularizer(module, {"params"}, options);
  regularizer.set_strengths({1});
  const double p = sigmoid(1);
  const Regularization now = regularizer.accumulate_gradient();
  EXPECT_NEAR(to_vector(now.terms)[0], 3 * (1 - 0.5 * (1 - p)) + 3, 1e-6);
  EXPECT_NEAR(gradient(module, "ga.logits")[0], 3 * (1 - p) * 0.25, 1e-6);
  EXPECT_NEAR(gradient(module, "gb.logits")[0], 3 * 0.5 * p * (1 - p), 1e-6);
  EXPECT_EQ(gradient(module, "gb.logits")[1], 0);
}

TEST(LogisticGates, RefusesWhatMakesNoSense) {
  const GraphModule plain = gated(
      "x = Input() shape=[1, 1, 2, 2]\na = Conv(x; weight=[2, 1, 1, 1])\nb = Conv(a; weight=[1, 2, "
      "1, 1])\nreturn b\n",
      {});
  EXPECT_ERROR(NetworkRegularizer(plain, {"flops"}, logistic(0.1)),
               "no gate of the kind logistic-sigmoid decides about a");
  RegularizerOptions options = logistic(0.1);
  options.proximal = true;
  const GraphModule module = five("");
  EXPECT_ERROR(NetworkRegularizer(module, {"flops"}, options),
               "logistic-sigmoid has no proximal step");
}

at::Tensor run(const Graph& graph, const Params& params) {
  GraphModule module(graph, params);
  module.set_training(false);
  const at::NoGradGuard no_grad;
  at::Tensor input = at::randn({2}, at::TensorOptions(at::kDouble));
  Shape shape = graph[graph.inputs().front()].shape;
  shape[0] = 2;
  input = at::ones(shape, at::kDouble).cumsum(1).sin();
  return module.forward(input);
}

Params to_doubles(Params params) {
  for (auto& [name, tensor] : params) tensor = tensor.detach().to(at::kDouble).clone();
  return params;
}

TEST(InsertGates, ChangesNothingAndFoldsBack) {
  int gated_graphs = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = random_graph(seed);
    Random random(seed);
    const Params params = random_double_params(graph, random);
    Graph with_gates;
    try {
      with_gates = insert_gates(graph, {.layers = InsertGatesOptions::Layers::kAll});
    } catch (const Error&) {
      continue;
    }
    ++gated_graphs;
    const Params all = to_doubles(gated_params(with_gates, params));
    const at::Tensor before = run(graph, params);
    const double scale = to_vector(before.abs().max())[0];
    EXPECT_LT(to_vector((run(with_gates, all) - before).abs().max())[0], 1e-6 * scale);
    EXPECT_ERROR(insert_gates(with_gates, {.layers = InsertGatesOptions::Layers::kAll}),
                 "has no layer to put a gate behind");
    const Ungated folded = fold_gates(with_gates, all);
    EXPECT_EQ(folded.graph, graph);
    EXPECT_LT(to_vector((run(folded.graph, folded.params) - before).abs().max())[0], 1e-6 * scale);
  }
  EXPECT_GT(gated_graphs, 20);
}

TEST(InsertGates, MaskedAndShrunkNetworksComputeTheSame) {
  int cuts = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = random_graph(seed);
    Graph with_gates;
    try {
      with_gates = insert_gates(graph, {.layers = InsertGatesOptions::Layers::kAll});
    } catch (const Error&) {
      continue;
    }
    const ChannelGroups groups = find_channel_groups(with_gates);
    const std::vector<bool> alive = random_alive(with_gates, groups, seed);
    Random random(seed);
    Params params = to_doubles(gated_params(with_gates, random_double_params(graph, random)));
    for (auto& [name, tensor] : params) {
      if (name.ends_with(".logits")) {
        double* logits = tensor.mutable_data_ptr<double>();
        for (int64_t i = 0; i < tensor.numel(); ++i) logits[i] = 3 * random.uniform();
      }
    }
    Cut cut;
    try {
      cut = cut_channels(with_gates, params, groups, alive);
    } catch (const Error&) {
      continue;
    }
    ++cuts;
    EXPECT_LT(cut.equivalence, 1e-10);
    const Ungated folded = fold_gates(cut.graph, cut.params);
    const at::Tensor expected = run(cut.graph, cut.params);
    const double scale = to_vector(expected.abs().max())[0];
    EXPECT_LE(to_vector((run(folded.graph, folded.params) - expected).abs().max())[0],
              1e-10 * scale);
    for (const Node& node : folded.graph.nodes()) EXPECT_NE(node.op, "LogisticGate");
  }
  EXPECT_GT(cuts, 15);
}

TEST(InsertGates, LeavesNormalizedLayersAloneUnlessAsked) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 1, 1, 1]
a = Conv(x; weight=[2, 1, 1, 1])
n = BatchNormalization(a; weight=[2], bias=[2], running_mean=[2], running_var=[2])
b = Conv(n; weight=[3, 2, 1, 1])
r = Relu(b)
head = Conv(r; weight=[1, 3, 1, 1])
return head
)");
  const Graph some = insert_gates(graph);
  EXPECT_FALSE(some.find("a.gate"));
  EXPECT_EQ(some[some.find("r").value()].inputs[0], some.find("b.gate"));
  const Graph all = insert_gates(graph, {.layers = InsertGatesOptions::Layers::kAll});
  EXPECT_EQ(all[all.find("a.gate").value()].inputs[0], all.find("n"));
  EXPECT_FALSE(all.find("head.gate"));
}

TEST(FoldGates, RefusesAGateThatNothingCanCarry) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 1, 1, 1]
a = Conv(x; weight=[2, 1, 1, 1])
b = Conv(x; weight=[2, 1, 1, 1])
sum = Add(a, b)
g = LogisticGate(sum; logits=[2], noise=[2])
head = Conv(g; weight=[1, 2, 1, 1])
return head
)");
  EXPECT_ERROR(fold_gates(graph, initial_params(graph, 0)),
               "[g: LogisticGate] cannot be taken out of the network");
}

}  // namespace
}  // namespace morph
