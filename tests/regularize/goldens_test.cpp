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
GraphModule net_a() {
  return gated(kNetA,
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
