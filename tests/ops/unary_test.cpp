#include "ops/chain.h"

namespace morph {
namespace {

class Unary : public ::testing::TestWithParam<std::string> {};

TEST_P(Unary, KeepsShapeAndChannels) {
  Chain chain;
  const Value x = chain.value({1, 3, 4, 5});
  const Value y = chain.apply({.name = "a", .op = GetParam()}, {x});
  EXPECT_EQ(y.shape, x.shape);
  EXPECT_EQ(y.channels, x.channels);
  EXPECT_TRUE(chain.notes.params.empty());
  EXPECT_TRUE(chain.notes.reads.empty());
  EXPECT_TRUE(chain.flow.pins().empty());
  EXPECT_FALSE(chain.work.is_layer());
}

INSTANTIATE_TEST_SUITE_P(Ops,
                         Unary,
                         ::testing::Values("Abs",
                                           "Ceil",
                                           "Celu",
                                           "Clip",
                                           "Cos",
                                           "Dropout",
                                           "Elu",
                                           "Erf",
                                           "Exp",
                                           "Floor",
                                           "Gelu",
                                           "HardSigmoid",
                                           "HardSwish",
                                           "Identity",
                                           "LeakyRelu",
                                           "Log",
                                           "LogSoftmax",
                                           "LpNormalization",
                                           "Mish",
                                           "Neg",
                                           "Reciprocal",
                                           "Relu",
                                           "Selu",
                                           "Sigmoid",
                                           "Sin",
                                           "Softmax",
                                           "Softplus",
                                           "Softsign",
                                           "Sqrt",
                                           "Swish",
                                           "Tanh"),
                         [](const auto& sample) { return sample.param; });

Node node(const std::string& op, Attrs attrs) {
  return {.name = "a", .op = op, .attrs = std::move(attrs)};
}

TEST(Softmax, PinsTheChannelsItMixes) {
  for (const std::string op : {"Softmax", "LogSoftmax", "LpNormalization"}) {
    Chain chain;
    const Value x = chain.value({1, 2, 4});
    chain.apply(node(op, {{"axis", Ints{1}}}), {x});
    EXPECT_EQ(chain.reason(0), op + " over channels in 'a'");
    EXPECT_EQ(chain.reason(1), op + " over channels in 'a'");
  }
}

// Split attention: branches [N, branch, C] compete in each channel.
TEST(Softmax, OverBranchesTiesTheirChannels) {
  Chain chain;
  const Value x = chain.value({1, 4});
  const Value split = chain.apply(node("Reshape", {{"shape", Ints{0, 2, 2}}}), {x});
  const Value y = chain.apply(node("Softmax", {{"axis", Ints{1}}}), {split});
  EXPECT_EQ(y.channels, Channels::along(3, 2, {0, 1}));
  EXPECT_TRUE(chain.tied(0, 2) && chain.tied(1, 3));
  EXPECT_TRUE(chain.flow.pins().empty());
}

TEST(LRN, PinsNeighbouringChannels) {
  Chain chain;
  const Value x = chain.value({1, 2, 4, 4});
  const Value y = chain.apply(node("LRN", {{"size", Ints{3}}}), {x});
  EXPECT_EQ(y.shape, x.shape);
  EXPECT_EQ(y.channels, x.channels);
  EXPECT_EQ(chain.reason(1), "LRN over neighbouring channels in 'a'");
  EXPECT_ERROR(shape_of(node("LRN", {}), {{1, 2, 4}}), "[a: LRN] needs the attribute 'size'");
  EXPECT_ERROR(shape_of(node("LRN", {{"size", Ints{0}}}), {{1, 2, 4}}),
               "must be at least 1, got 0");
}

TEST(Softmax, RefusesTheBatchAndUnknownAxes) {
  EXPECT_ERROR(shape_of(node("Softmax", {{"axis", Ints{0}}}), {{1, 3}}),
               "[a: Softmax] axis 0 is the batch");
  EXPECT_ERROR(shape_of(node("Softmax", {{"axis", Ints{-2}}}), {{1, 3}}), "is the batch");
  EXPECT_ERROR(shape_of(node("Softmax", {{"axis", Ints{2}}}), {{1, 3}}),
               "axis 2 is outside an input of rank 2");
}

TEST(Unary, RefusesAttributesThatDoNotFit) {
  const Shape x = {1, 3};
  EXPECT_ERROR(shape_of(node("Clip", {{"min", Ints{6}}, {"max", Ints{0}}}), {x}),
               "[a: Clip] min = 6 must not exceed max = 0");
  EXPECT_ERROR(shape_of(node("Dropout", {{"ratio", Ints{1}}}), {x}), "must lie in [0, 1), got 1");
  EXPECT_ERROR(shape_of(node("LeakyRelu", {{"alpha", "much"}}), {x}),
               "attribute 'alpha' must be a number");
  EXPECT_ERROR(shape_of(node("HardSigmoid", {{"beta", Ints{1, 2}}}), {x}),
               "attribute 'beta' must be one number");
  EXPECT_ERROR(shape_of(node("Celu", {{"alpha", Ints{0}}}), {x}), "alpha must not be 0");
  EXPECT_ERROR(shape_of(node("Gelu", {{"approximate", "fast"}}), {x}),
               "[a: Gelu] attribute 'approximate' must be none or tanh, got 'fast'");
  EXPECT_ERROR(shape_of(node("LpNormalization", {{"p", Ints{3}}}), {x}), "must be 1 or 2, got 3");
}

}  // namespace
}  // namespace morph
