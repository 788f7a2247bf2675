#include "morph/regularize/group_lasso_gates.h"

#include <cmath>
#include <functional>

#include "expect_error.h"
#include "gated.h"
#include "halved_gates.h"
#include <ATen/core/grad_mode.h>

#include "morph/base/random.h"
#include "morph/train/flat_parameters.h"

namespace morph {
namespace {

using Values = std::vector<double>;

RegularizerOptions lasso(double threshold, double l1_fraction = 0) {
  return {.threshold = threshold, .gate = "group-lasso", .l1_fraction = l1_fraction};
}

/// r of the channels of one layer, as the structure is judged by them.
Values sizes(const NetworkRegularizer& regularizer, const Graph& graph, const char* layer) {
  const Values by_set = regularizer.set_values();
  Values result;
  for (const ChannelId set : regularizer.groups().channels(graph.find(layer).value()).ids) {
    result.push_back(by_set[static_cast<size_t>(set)]);
  }
  return result;
}

/// Every kind of layer: convolutions, grouped and transposed, and matrices either way round.
constexpr const char* kLayers = R"(
x = Input() shape=[1, 4, 5, 5]
conv = Conv(x; weight=[3, 4, 3, 2])
grouped = Conv(x; weight=[4, 2, 1, 1]) group=2
up = ConvTranspose(conv; weight=[3, 5, 3, 2], bias=[5])
upg = ConvTranspose(grouped; weight=[4, 3, 2, 2]) group=2
m1 = GlobalAveragePool(up)
m2 = GlobalAveragePool(upg)
means = Concat(m1, m2) axis=1
flat = Flatten(means)
gemm = Gemm(flat; weight=[6, 11], bias=[6])
mul = MatMul(gemm; weight=[6, 4])
head = Gemm(mul; weight=[2, 4])
return head
)";

GraphModule random_layers() {
  at::set_num_threads(1);
  Graph graph = graph_of(kLayers);
  Params params = initial_params(graph, 5);
  return GraphModule(std::move(graph), std::move(params));
}

/// For each output channel the weights that feed it, picked one by one.
using FeedsChannel = std::function<int64_t(const std::vector<int64_t>& place)>;

Values expected_sizes(const at::Tensor& weight,
                      int64_t channels,
                      double l1_fraction,
                      const FeedsChannel& channel_of) {
  const at::Tensor plain = weight.detach().contiguous().to(at::kDouble);
  const double* data = plain.const_data_ptr<double>();
  Values squares(static_cast<size_t>(channels), 0);
  Values magnitudes = squares;
  Values counts = squares;
  for (int64_t i = 0; i < plain.numel(); ++i) {
    std::vector<int64_t> place(static_cast<size_t>(plain.dim()));
    int64_t rest = i;
    for (size_t axis = place.size(); axis-- > 0;) {
      place[axis] = rest % plain.size(static_cast<int64_t>(axis));
      rest /= plain.size(static_cast<int64_t>(axis));
    }
    const auto channel = static_cast<size_t>(channel_of(place));
    squares[channel] += data[i] * data[i];
    magnitudes[channel] += std::abs(data[i]);
    counts[channel] += 1;
  }
  Values result;
  for (size_t i = 0; i < squares.size(); ++i) {
    result.push_back((1 - l1_fraction) * std::sqrt(squares[i] / counts[i]) +
                     l1_fraction * magnitudes[i] / counts[i]);
  }
  return result;
}

void expect_near(const Values& actual, const Values& expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], tolerance) << i;
}

void expect_sizes_of_layers(const GraphModule& module, double l1_fraction) {
  const Graph& graph = module.graph();
  const NetworkRegularizer regularizer(module, {"flops"}, lasso(0.01, l1_fraction));
  const auto expect = [&](const char* layer, int64_t channels, const FeedsChannel& channel_of) {
    SCOPED_TRACE(layer);
    const at::Tensor& weight = module.param(graph.find(layer).value(), "weight");
    Values expected = expected_sizes(weight, channels, l1_fraction, channel_of);
    if (std::string(layer).starts_with("g") && channels == 4) {
      // Position i of the two groups is tied: the larger counts.
      for (size_t i = 0; i < 2; ++i) {
        expected[i] = expected[i + 2] = std::max(expected[i], expected[i + 2]);
      }
    }
    if (std::string(layer) == "upg") {
      for (size_t i = 0; i < 3; ++i) {
        expected[i] = expected[i + 3] = std::max(expected[i], expected[i + 3]);
      }
    }
    expect_near(sizes(regularizer, graph, layer), expected, 1e-6);  // Weights are floats.
  };
  const auto first = [](const auto& place) { return place[0]; };
  const auto second = [](const auto& place) { return place[1]; };
  expect("conv", 3, first);
  expect("grouped", 4, first);
  expect("up", 5, second);
  expect("upg", 6, [](const auto& place) { return place[0] / 2 * 3 + place[1]; });
  expect("gemm", 6, first);
  expect("mul", 4, second);
}

TEST(GroupLassoGates, L8SizesOfEveryKindOfLayer) {
  const GraphModule module = random_layers();
  expect_sizes_of_layers(module, 0);
  expect_sizes_of_layers(module, 0.5);
  expect_sizes_of_layers(module, 1);
}

TEST(GroupLassoGates, SizesDoNotDependOnWhereWeightsLie) {
  for (const at::MemoryFormat format :
       {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
    GraphModule module = random_layers();
    const FlatParameters flat(module, format);
    expect_sizes_of_layers(module, 0.5);
  }
}

/// The gradients of all tensors, in plain memory order.
std::map<std::string, Values> all_gradients(const GraphModule& module) {
  std::map<std::string, Values> result;
  for (const auto& [name, tensor] : module.parameters()) result[name] = gradient(module, name);
  return result;
}

TEST(GroupLassoGates, GradientsAreThoseOfTheTermWhereverWeightsLie) {
  GraphModule module = random_layers();
  NetworkRegularizer regularizer(module, {"flops", "params"}, lasso(0.2, 0.25));
  regularizer.set_strengths({1e-3, 2e-3});
  drop_gradients(module);
  regularizer.term().backward();
  const auto expected = all_gradients(module);
  const auto expect_same = [&] {
    for (const auto& [name, values] : all_gradients(module)) {
      SCOPED_TRACE(name);
      expect_near(values, expected.at(name), 1e-6);
    }
  };
  drop_gradients(module);
  regularizer.accumulate_gradient();
  expect_same();
  for (const at::MemoryFormat format :
       {at::MemoryFormat::ChannelsLast, at::MemoryFormat::Contiguous}) {
    FlatParameters flat(module, format);
    regularizer.accumulate_gradient();
    expect_same();
  }
}

TEST(GroupLassoGates, AGroupOfZerosHasNoSlope) {
  const GraphModule module = random_layers();
  {
    const at::NoGradGuard no_grad;
    module.params().at("conv.weight").select(0, 1).zero_();
  }
  NetworkRegularizer regularizer(module, {"flops"}, lasso(0));
  regularizer.set_strengths({1});
  const auto expect_no_slope = [&] {
    const at::Tensor grad = module.params().at("conv.weight").grad();
    EXPECT_EQ(to_vector(grad.select(0, 1).abs().sum())[0], 0);
    EXPECT_GT(to_vector(grad.select(0, 0).abs().sum())[0], 0);
  };
  regularizer.accumulate_gradient();
  expect_no_slope();
  drop_gradients(module);
  regularizer.term().backward();
  expect_no_slope();
  EXPECT_EQ(regularizer.structure().layers.at("conv").alive,
            (std::vector<bool>{true, false, true}));
}

TEST(GroupLassoGates, DepthwiseConvolutionsHaveNone) {
  const GraphModule module = gated(R"(
x = Input() shape=[1, 1, 4, 4]
a = Conv(x; weight=[3, 1, 1, 1])
depthwise = Conv(a; weight=[3, 1, 3, 3]) group=3
b = Conv(depthwise; weight=[1, 3, 1, 1])
return b
)",
                                   {});
  const NetworkRegularizer regularizer(module, {"flops"}, lasso(0.01));
  ASSERT_EQ(regularizer.sites().size(), 1U);
  EXPECT_EQ(regularizer.sites()[0].tensor, "a.weight");
}

TEST(GroupLassoGates, RefusesWhatMakesNoSense) {
  const GraphModule module = random_layers();
  EXPECT_ERROR(NetworkRegularizer(module, {"flops"}, lasso(0.1, 1.5)),
               "l1_fraction must lie in [0, 1], got 1.5");
  const GraphModule one =
      gated("x = Input() shape=[1, 3, 4, 4]\nb = Conv(x; weight=[2, 3, 1, 1])\nreturn b\n", {});
  EXPECT_ERROR(NetworkRegularizer(one, {"flops"}, lasso(0.1)),
               "has nothing to prune: pinned are b (network output)");
}

/// A layer of two channels, weights (3, −4) and (0.3, 0.4), read by one output.
constexpr const char* kPair = R"(
x = Input() shape=[1, 2, 1, 1]
a = Conv(x; weight=[2, 2, 1, 1])
b = Conv(a; weight=[1, 2, 1, 1])
return b
)";

GraphModule pair() {
  GraphModule module = gated(kPair, {});
  const at::NoGradGuard no_grad;
  module.params()
      .at("a.weight")
      .copy_(at::tensor(Values{3, -4, .3, .4}).to(at::kFloat).reshape({2, 2, 1, 1}));
  return module;
}

TEST(GroupLassoGates, TheProximalStepShrinksGroupsToExactlyZero) {
  const GraphModule module = pair();
  RegularizerOptions options = lasso(0.01);
  options.proximal = true;
  NetworkRegularizer regularizer(module, {"flops"}, options);
  regularizer.set_strengths({1});
  regularizer.accumulate_gradient();
  EXPECT_FALSE(module.params().at("a.weight").grad().defined());
  // A channel costs 2 · 2 to make and 2 to read. With a rate of 0.1 the amount is 0.6, and with
  // n = 2 a norm falls by 0.6 / √2: 5 to 4.5757, 0.5 to 0.0757.
  regularizer.proximal_step(at::tensor(0.1));
  const double left = 1 - 0.6 / std::sqrt(2.0) / 5;
  const double small = 1 - 0.6 / std::sqrt(2.0) / 0.5;
  expect_near(to_vector(module.params().at("a.weight").flatten()),
              {3 * left, -4 * left, .3 * small, .4 * small},
              1e-6);
  regularizer.accumulate_gradient();
  regularizer.proximal_step(at::tensor(0.1));
  const Values now = to_vector(module.params().at("a.weight").flatten());
  EXPECT_GT(now[0], 2);
  EXPECT_EQ(now[2], 0);
  EXPECT_EQ(now[3], 0);
}

TEST(GroupLassoGates, TheProximalStepOfMagnitudesIsSoftThresholding) {
  GraphModule module = pair();
  const FlatParameters flat(module, at::MemoryFormat::ChannelsLast);
  RegularizerOptions options = lasso(0.01, 1);
  options.proximal = true;
  NetworkRegularizer regularizer(module, {"flops"}, options);
  regularizer.set_strengths({1});
  regularizer.accumulate_gradient();
  const Values reader = to_vector(module.params().at("b.weight").flatten());
  regularizer.proximal_step(at::tensor(0.1));  // 0.6 / 2 off each magnitude.
  expect_near(to_vector(module.params().at("a.weight").flatten()), {2.7, -3.7, 0, .1}, 1e-6);
  EXPECT_EQ(to_vector(module.params().at("b.weight").flatten()), reader);
}

TEST(GroupLassoGoldens, L9DenseLayersWhoseOutputsMayGo) {
  const GraphModule module = gated(R"(
x = Input() shape=[1, 6]
a = Gemm(x; weight=[4, 6], bias=[4])
ra = Relu(a)
b = Gemm(ra; weight=[1, 4], bias=[1])
rb = Relu(b)
return rb
)",
                                   {});
  {
    const at::NoGradGuard no_grad;
    Values w1(24);
    for (size_t i = 0; i < 24; ++i) w1[i % 4 * 6 + i / 4] = static_cast<double>(i);
    module.params().at("a.weight").copy_(at::tensor(w1).to(at::kFloat).reshape({4, 6}));
    module.params()
        .at("b.weight")
        .copy_(at::tensor(Values{21, 22, 23, 24}).to(at::kFloat).reshape({1, 4}));
  }
  RegularizerOptions options = lasso(32);
  options.scope.outputs = OutputChannels::kFree;
  const NetworkRegularizer regularizer(module, {"flops"}, options);
  const Graph& graph = module.graph();
  expect_near(
      sizes(regularizer, graph, "a"), {12.1106014, 12.9486164, 13.8082101, 14.6855938}, 2e-6);
  expect_near(sizes(regularizer, graph, "b"), {22.5277607}, 3e-6);
  const Regularization now = regularizer.evaluate();
  EXPECT_EQ(to_vector(now.costs)[0], 0);
  EXPECT_NEAR(to_vector(now.terms)[0], 642.636261, 1e-6 * 642.636261);
}

TEST(GroupLassoGoldens, L12ConvolutionsOfBothDirections) {
  const GraphModule module = [] {
    at::set_num_threads(1);
    Graph graph = graph_of(R"(
image = Input() shape=[1, 3, 17, 19]
conv1 = Conv(image; weight=[13, 3, 7, 5]) pads=[3, 2, 3, 2]
conv2 = Conv(image; weight=[23, 3, 1, 1])
cat = Concat(conv1, conv2) axis=1
up = ConvTranspose(image; weight=[3, 29, 7, 5]) strides=[3, 3]
return cat, up
)");
    Params params = initial_params(graph, 3);
    return GraphModule(std::move(graph), std::move(params));
  }();
  RegularizerOptions options = lasso(0.1);
  options.scope.outputs = OutputChannels::kFree;
  const NetworkRegularizer regularizer(module, {"flops"}, options);
  double cost = 0;
  double term = 0;
  const auto add = [&](const char* layer, double coefficient) {
    for (const double r : sizes(regularizer, module.graph(), layer)) {
      cost += 3 * coefficient * (r > 0.1 ? 1 : 0);
      term += 3 * coefficient * r;
    }
  };
  add("conv1", 22610);
  add("conv2", 646);
  add("up", 22610);  // The kernel is laid on each of 17 · 19 input places.
  const Regularization now = regularizer.evaluate();
  EXPECT_EQ(to_vector(now.costs)[0], cost);
  EXPECT_NEAR(to_vector(now.terms)[0], term, 1e-6 * term);
}

TEST(GroupLassoGoldens, L14MatricesEitherWayRound) {
  const GraphModule module = gated(R"(
x = Input() shape=[1, 2]
a = MatMul(x; weight=[2, 3])
b = Gemm(x; weight=[3, 2])
sum = Concat(a, b) axis=1
head = Gemm(sum; weight=[1, 6])
return head
)",
                                   {});
  {
    const at::NoGradGuard no_grad;
    const at::Tensor matrix = at::tensor(Values{1, 2, 3, 4, 5, 6}).to(at::kFloat).reshape({2, 3});
    module.params().at("a.weight").copy_(matrix);
    module.params().at("b.weight").copy_(matrix.t());
  }
  const NetworkRegularizer regularizer(module, {"flops"}, lasso(0.1));
  const Values expected = {2.9154759, 3.8078866, 4.7434165};
  expect_near(sizes(regularizer, module.graph(), "a"), expected, 5e-7);
  expect_near(sizes(regularizer, module.graph(), "b"), expected, 5e-7);
}

GraphModule all_ones(const char* body) {
  GraphModule module = gated(body, {});
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : module.params()) at::Tensor(tensor).fill_(1);
  return module;
}

TEST(GroupLassoGoldens, L15ADecoratorHalvesWhatIsCharged) {
  const GraphModule module = all_ones(R"(
x = Input() shape=[1, 3, 5, 5]
conv = Conv(x; weight=[3, 3, 5, 5])
return conv
)");
  RegularizerOptions options{.threshold = 1e-3, .make_gates = halved("group-lasso")};
  options.scope.outputs = OutputChannels::kFree;
  const NetworkRegularizer regularizer(module, {"channels"}, options);
  EXPECT_EQ(to_vector(regularizer.evaluate().terms)[0], 3 * 0.5);
  EXPECT_EQ(to_vector(regularizer.evaluate().costs)[0], 3);
}

TEST(GroupLassoGoldens, S5ADecoratedConvolution) {
  const GraphModule module = all_ones(R"(
x = Input() shape=[1, 3, 3, 3]
conv = Conv(x; weight=[2, 3, 1, 1])
return conv
)");
  RegularizerOptions options{.threshold = 0.1, .make_gates = halved("group-lasso")};
  options.scope.outputs = OutputChannels::kFree;
  const NetworkRegularizer regularizer(module, {"flops"}, options);
  EXPECT_EQ(to_vector(regularizer.evaluate().terms)[0], 54);
  EXPECT_EQ(to_vector(regularizer.evaluate().costs)[0], 108);
}

}  // namespace
}  // namespace morph
