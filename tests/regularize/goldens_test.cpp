#include <string>
#include <string_view>
#include <vector>

#include "gated.h"
#include "halved_gates.h"
#include "net_a.h"
#include <gtest/gtest.h>

namespace morph {
namespace {

constexpr double kThreshold = 0.45;

std::vector<double> repeat(double a, size_t count_a, double b, size_t count_b) {
  std::vector<double> values(count_a, a);
  values.insert(values.end(), count_b, b);
  return values;
}

/// NET-A of the goldens: alive 7, 11, 10 and 17; sums of sizes 6.8, 8.9, 11.7 and 14.1.
GraphModule net_a(std::string_view body = kNetA) {
  return gated(body,
               {{"bn1.weight", repeat(0.8, 7, 0.2, 6)},
                {"bn2.weight", repeat(-0.7, 11, 0.1, 12)},
                {"bn3.weight", repeat(0.6, 10, -0.3, 19)},
                {"bn4.weight", repeat(-0.5, 17, -0.4, 14)}});
}

/// The gates are floats; what is made of them is computed in doubles.
constexpr double kFloatPrecision = 1e-6;

void expect_cost_and_term(const char* name, double cost, double term) {
  const GraphModule module = net_a();
  NetworkRegularizer regularizer(module, {name}, {.threshold = kThreshold});
  const Regularization now = regularizer.evaluate();
  EXPECT_EQ(to_vector(now.costs), std::vector<double>{cost});
  EXPECT_NEAR(to_vector(now.terms)[0], term, kFloatPrecision * term);
  regularizer.set_strengths({1});
  EXPECT_NEAR(to_vector(regularizer.term())[0], term, kFloatPrecision * term);
}

TEST(Goldens, G1ToG7FlopsOfNetA) {
  // Beside the four convolutions the dense layer: 2 FLOPs for each of 27 alive means, and 2 for
  // each unit of the 11.7 + 14.1 it reads.
  expect_cost_and_term("flops", 985404 + 54, 1410376.4 + 51.6);
}

TEST(Goldens, NetAParameters) {
  // Weights: golden S1, 2694; 27 of the dense layer; 2 for each of 45 normalised channels. The term
  // by layer: 35 · 3 · 6.8; 3 · 8.9; 9 · (10 · 15.7 + 18 · 11.7); 17 · 15.7 + 18 · 14.1; 2 · 41.5
  // for normalizations; 25.8 for the dense layer.
  expect_cost_and_term("params", 2694 + 27 + 90, 714 + 26.7 + 3308.4 + 520.7 + 83 + 25.8);
}

TEST(Goldens, NetAActivations) {
  // 323 pixels behind conv1, conv2 and conv4, 90 behind conv3, and the one output, which is pinned.
  expect_cost_and_term("activations", 323 * (7 + 11 + 17) + 90 * 10 + 1, 323 * 29.8 + 90 * 11.7);
}

TEST(Goldens, S4TheWholeOfACostIsAliveWhenItsGatesAreOne) {
  // A 1 × 1 convolution of 3 channels to 2 on 3 × 3 pixels: 18 FLOPs a pair. The image has no
  // gates, so G = 18 · 3 · 2, what it costs. The dense layer adds 2 for each channel.
  const GraphModule module = gated(R"(
image = Input() shape=[1, 3, 3, 3]
conv = Conv(image; weight=[2, 3, 1, 1])
n = BatchNormalization(conv; weight=[2], bias=[2], running_mean=[2], running_var=[2])
mean = GlobalAveragePool(n)
flat = Flatten(mean)
fc = Gemm(flat; weight=[1, 2])
return fc
)",
                                   {{"n.weight", {1, 1}}});
  NetworkRegularizer regularizer(module, {"flops"}, {.threshold = 0.1});
  EXPECT_EQ(to_vector(regularizer.evaluate().costs)[0], 108 + 4);
  EXPECT_EQ(to_vector(regularizer.evaluate().terms)[0], 108 + 4);
}

TEST(Goldens, G8ADecoratorHalvesTheTermOfNetA) {
  const GraphModule module = net_a();
  const NetworkRegularizer regularizer(
      module, {"flops"}, {.threshold = kThreshold, .make_gates = halved("gamma")});
  const Regularization now = regularizer.evaluate();
  const double term = 705188.2 + 25.8;  // And half of the dense layer's 51.6.
  EXPECT_NEAR(to_vector(now.terms)[0], term, kFloatPrecision * term);
  EXPECT_EQ(to_vector(now.costs)[0], 985404 + 54);
}

TEST(Goldens, P12AndP13LatencyOfNetA) {
  const GraphModule module = net_a(kNetAToOutputs);
  RegularizerOptions options{.threshold = kThreshold, .cost = {.compat = Compat::kMorphNet}};
  options.scope.outputs = OutputChannels::kFree;
  NetworkRegularizer regularizer(module, {"latency:P100"}, options);
  regularizer.set_strengths({1});
  const Regularization now = regularizer.accumulate_gradient();
  EXPECT_NEAR(to_vector(now.terms)[0], 461.2671673, kFloatPrecision * 461.2671673);
  EXPECT_NEAR(to_vector(now.costs)[0], 515.2515600, kFloatPrecision * 515.2515600);
  // P6 and P10: of a channel of conv1 8.8 ns for each unit of |γ| in the convolution itself, and
  // what BN and Relu move, 24.0043716 ns for 6.8 of it each, and the concatenation
  // 55.4218579 ns for 15.7.
  const double price = 49.5961290 / 6.8 + 2 * 24.0043716 / 6.8 + 55.4218579 / 15.7;
  // Conv3 and conv4 read the channel too: 323 values and the weights of 10 and 17 live outputs.
  const double read = 4 * ((323 + 9 * 10) + (323 + 17)) / 732.0;
  EXPECT_NEAR(gradient(module, "bn1.weight")[0], price + read, 1e-5 * (price + read));
}

TEST(Goldens, V6ConcatKeepsTheOrderAndSliceTakesItsPart) {
  // Σ r of a is 1.2, of b 1.1; the concatenation's reader sees 2.3, the slice's .3 + .6.
  const GraphModule module =
      gated(R"(
image = Input() shape=[1, 1, 2, 2]
conv_a = Conv(image; weight=[4, 1, 1, 1])
a = BatchNormalization(conv_a; weight=[4], bias=[4], running_mean=[4], running_var=[4])
conv_b = Conv(image; weight=[3, 1, 1, 1])
b = BatchNormalization(conv_b; weight=[3], bias=[3], running_mean=[3], running_var=[3])
cat = Concat(a, b) axis=1
c = Conv(cat; weight=[1, 7, 1, 1])
part = Slice(a) axes=[1] starts=[1] ends=[3]
d = Conv(part; weight=[1, 2, 1, 1])
return c, d
)",
            {{"a.weight", {0.1, 0.3, 0.6, 0.2}}, {"b.weight", {0.2, 0.4, 0.5}}});
  NetworkRegularizer regularizer(module, {"weights"}, {.threshold = 0.25});
  regularizer.set_strengths({1});
  const Regularization now = regularizer.accumulate_gradient();
  EXPECT_NEAR(to_vector(now.terms)[0], 1.2 + 1.1 + 2.3 + 0.9, kFloatPrecision * 5.5);
  EXPECT_EQ(to_vector(now.costs)[0], 2 + 2 + 4 + 2);
  EXPECT_EQ(gradient(module, "a.weight"), (std::vector<double>{2, 3, 3, 2}));
  EXPECT_EQ(gradient(module, "b.weight"), (std::vector<double>{2, 2, 2}));
}

/// An op of two operands.
class V12 : public ::testing::TestWithParam<const char*> {};

TEST_P(V12, AChannelIsAliveWhereOneOperandIs) {
  const std::string op = GetParam();
  const std::string join = op == "SquaredDifference" ? "gap = Sub(a, b)\njoined = Mul(gap, gap)\n"
                                                     : "joined = " + op + "(a, b)\n";
  const GraphModule module = gated(R"(
image = Input() shape=[1, 1, 2, 2]
conv_a = Conv(image; weight=[5, 1, 1, 1])
a = BatchNormalization(conv_a; weight=[5], bias=[5], running_mean=[5], running_var=[5])
conv_b = Conv(image; weight=[5, 1, 1, 1])
b = BatchNormalization(conv_b; weight=[5], bias=[5], running_mean=[5], running_var=[5])
)" + join + "head = Conv(joined; weight=[1, 5, 1, 1])\nreturn head\n",
                                   {{"a.weight", {1, 0, 0, 1, 0}}, {"b.weight", {0, 0, 1, 1, 0}}});
  const Structure structure = NetworkRegularizer(module, {"flops"}, {.threshold = 0.5}).structure();
  const std::vector<bool> either = {true, false, true, true, false};
  EXPECT_EQ(structure.layers.at("conv_a").alive, either);
  EXPECT_EQ(structure.layers.at("conv_b").alive, either);
}

INSTANTIATE_TEST_SUITE_P(Goldens,
                         V12,
                         ::testing::Values("Add", "Div", "Mul", "Max", "Min", "SquaredDifference"),
                         [](const auto& operation) { return std::string(operation.param); });

TEST(Goldens, S18AVectorMayHavePiecesWithoutGates) {
  // Channels 3 to 5 of the ten have no normalization: they are charged nothing and stay.
  const GraphModule module = gated(R"(
image = Input() shape=[1, 1, 2, 2]
conv_a = Conv(image; weight=[3, 1, 1, 1])
a = BatchNormalization(conv_a; weight=[3], bias=[3], running_mean=[3], running_var=[3])
bare = Conv(image; weight=[3, 1, 1, 1])
conv_b = Conv(image; weight=[4, 1, 1, 1])
b = BatchNormalization(conv_b; weight=[4], bias=[4], running_mean=[4], running_var=[4])
cat = Concat(a, bare, b) axis=1
head = Conv(cat; weight=[1, 10, 1, 1])
return head
)",
                                   {{"a.weight", {3, 4, 5}}, {"b.weight", {9, 10, 11, 12}}});
  const NetworkRegularizer regularizer(module, {"weights"}, {.threshold = 20});
  const Regularization now = regularizer.evaluate();
  // The sum 12 + 42 in the layers' own weights and again in the reader's.
  EXPECT_EQ(to_vector(now.terms)[0], 54 + 54);
  EXPECT_EQ(to_vector(now.costs)[0], 3 + 3);
  EXPECT_EQ(regularizer.structure().layers.at("bare").alive_width(), 3);
}

TEST(Goldens, S3ADecoratedModelSize) {
  const GraphModule module = gated(R"(
image = Input() shape=[1, 3, 1, 1]
conv = Conv(image; weight=[2, 3, 1, 1])
n = BatchNormalization(conv; weight=[2], bias=[2], running_mean=[2], running_var=[2])
return n
)",
                                   {{"n.weight", {1, 1}}});
  RegularizerOptions options{.threshold = 0.1, .make_gates = halved("gamma")};
  options.scope.outputs = OutputChannels::kFree;
  const NetworkRegularizer regularizer(module, {"weights"}, options);
  EXPECT_EQ(to_vector(regularizer.evaluate().terms)[0], 3);
  EXPECT_EQ(to_vector(regularizer.evaluate().costs)[0], 6);
}

}  // namespace
}  // namespace morph
