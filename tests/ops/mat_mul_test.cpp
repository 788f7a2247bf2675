#include "ops/chain.h"

namespace morph {
namespace {

Node dense(const Shape& weight) {
  return {.name = "m", .op = "MatMul", .params = {{"weight", {"m.weight", weight}}}};
}

Node product() { return {.name = "m", .op = "MatMul"}; }

TEST(MatMul, MultipliesTheLastAxisByItsWeight) {
  EXPECT_EQ(shape_of(dense({3, 5}), {{1, 3}}), (Shape{1, 5}));
  EXPECT_EQ(shape_of(dense({3, 5}), {{1, 7, 2, 3}}), (Shape{1, 7, 2, 5}));
  Chain chain;
  const Value x = chain.value({1, 4, 2}, 2);
  const Value y = chain.apply(dense({2, 3}), {x});
  EXPECT_EQ(y.channels.extents, (Shape{1, 1, 3}));
  EXPECT_EQ(chain.bound("weight", 0).ids, (Ids{0, 1}));
  EXPECT_FALSE(chain.bound("weight", 0).of_output);
  EXPECT_EQ(chain.bound("weight", 1).ids, (Ids{2, 3, 4}));
  EXPECT_EQ(chain.notes.reads, (Ids{0, 1}));
  EXPECT_EQ(chain.work.macs_per_pair, 4);
  EXPECT_EQ(chain.work.weights_per_pair, 1);
}

// A single channel can be widened along axis 1 only.
TEST(MatMul, PinsASingleChannelThatIsNotOnAxisOne) {
  Chain chain;
  const Value x = chain.value({1, 4, 2}, 2);
  chain.apply(dense({2, 1}), {x});
  EXPECT_EQ(chain.reason(2), "a single channel on axis 2 of 'm'");
  chain.apply(dense({2, 1}), {chain.value({1, 2})});
  EXPECT_EQ(chain.reason(5), "");
  const Value map = chain.uniform({1, 1, 4, 4});
  chain.apply({.name = "t", .op = "Transpose", .attrs = {{"perm", Ints{0, 2, 3, 1}}}}, {map});
  EXPECT_EQ(chain.reason(6), "a single channel on axis 3 of 't'");
}

TEST(MatMul, MultipliesTwoValues) {
  EXPECT_EQ(shape_of(product(), {{1, 8, 4, 5}, {1, 8, 5, 6}}), (Shape{1, 8, 4, 6}));
  EXPECT_EQ(shape_of(product(), {{1, 8, 4, 5}, {1, 1, 5, 6}}), (Shape{1, 8, 4, 6}));
}

// Queries [1, heads, T, d] times keys [1, heads, d, T].
TEST(MatMul, TiesTheChannelsItSumsOver) {
  Chain chain;
  const Value q = chain.value({1, 2, 5, 3}, 3);
  const Value k = chain.value({1, 2, 3, 5}, 2);
  const Value y = chain.apply(product(), {q, k});
  EXPECT_EQ(y.channels, Channels::uniform(4, 6));
  for (const ChannelId d : {0, 1, 2}) EXPECT_TRUE(chain.tied(d, 3 + d));
  EXPECT_FALSE(chain.tied(0, 1));
  EXPECT_EQ(chain.notes.reads, (Ids{0, 1, 2}));
  EXPECT_TRUE(chain.flow.pins().empty());
  EXPECT_EQ(chain.work.product_macs, 2 * 5 * 5 * 3);
}

// Attention [1, heads, T, T] times values [1, heads, T, d].
TEST(MatMul, HandsOnTheColumnsOfWhatItWeights) {
  Chain chain;
  const Value attention = chain.uniform({1, 2, 5, 5});
  const Value v = chain.value({1, 2, 5, 3}, 3);
  const Value y = chain.apply(product(), {attention, v});
  EXPECT_EQ(y.channels, v.channels);
  EXPECT_TRUE(chain.notes.reads.empty());
  EXPECT_FALSE(chain.tied(0, 1));
}

TEST(MatMul, PinsWhatItMixes) {
  Chain chain;
  const Value a = chain.value({1, 2, 5}, 1);
  const Value b = chain.value({1, 5, 2}, 2);
  chain.apply(product(), {a, b});
  EXPECT_EQ(chain.reason(0), "mixed by the matrix product 'm'");
  EXPECT_EQ(chain.reason(3), "mixed by the matrix product 'm'");
}

// Scores [1, heads, T, T] whose heads another layer mixed: the values have as many.
TEST(MatMul, PinsChannelsThatCountItsProducts) {
  Chain chain;
  const Value scores = chain.value({1, 2, 5, 5}, 1);
  const Value v = chain.value({1, 2, 5, 3}, 3);
  chain.apply(product(), {scores, v});
  EXPECT_EQ(chain.reason(0), "counts the matrix products of 'm'");
  EXPECT_EQ(chain.reason(2), "");
}

TEST(MatMul, RefusesWhatDoesNotFit) {
  EXPECT_ERROR(shape_of(dense({3, 5}), {{1, 4}}), "[m: MatMul] cannot multiply [1, 4] by [3, 5]");
  EXPECT_ERROR(shape_of(product(), {{1, 2, 3}}), "needs a second input or a param 'weight'");
  EXPECT_ERROR(shape_of(product(), {{1, 2, 3}, {1, 2, 4, 3}}), "two values of one rank");
  EXPECT_ERROR(shape_of(product(), {{1, 2, 3}, {1, 2, 3}}),
               "cannot multiply [1, 2, 3] by [1, 2, 3]");
  EXPECT_ERROR(shape_of(product(), {{1, 2, 4, 3}, {1, 3, 3, 4}}), "cannot multiply");
}

}  // namespace
}  // namespace morph
