#include "ops/chain.h"

namespace morph {
namespace {

Node concat(int64_t axis) { return {.name = "y", .op = "Concat", .attrs = {{"axis", Ints{axis}}}}; }

TEST(Concat, AppendsChannels) {
  Chain chain;
  const Value a = chain.value({1, 2, 4, 4});
  const Value b = chain.value({1, 1, 4, 4});
  const Value y = chain.apply(concat(1), {a, b, a});
  EXPECT_EQ(y.shape, (Shape{1, 5, 4, 4}));
  EXPECT_EQ(y.channels, Channels::along(4, 1, {0, 1, 2, 0, 1}));
}

TEST(Concat, AppendsSingleChannels) {
  Chain chain;
  const Value a = chain.value({1, 1, 4, 4});
  const Value b = chain.value({1, 1, 4, 4});
  EXPECT_EQ(chain.apply(concat(-3), {a, b}).channels, Channels::along(4, 1, {0, 1}));
}

TEST(Concat, RepeatsAPartThatIsOneChannel) {
  Chain chain;
  const Value a = chain.uniform({1, 2, 4});
  const Value b = chain.value({1, 3, 4});
  EXPECT_EQ(chain.apply(concat(1), {a, b}).channels, Channels::along(3, 1, {0, 0, 1, 2, 3}));
}

TEST(Concat, AcrossOtherAxesTiesTheChannelsOfTheParts) {
  Chain chain;
  const Value a = chain.value({1, 2, 3, 4});
  const Value b = chain.value({1, 2, 5, 4});
  const Value y = chain.apply(concat(2), {a, b});
  EXPECT_EQ(y.shape, (Shape{1, 2, 8, 4}));
  EXPECT_EQ(y.channels, a.channels);
  EXPECT_TRUE(chain.tied(0, 2) && chain.tied(1, 3));
  EXPECT_FALSE(chain.tied(0, 1));
}

TEST(Concat, RefusesWhatDoesNotFit) {
  EXPECT_ERROR(shape_of(concat(1), {{1, 2, 4, 4}, {1, 2, 4, 5}}),
               "[y: Concat] expected inputs that differ on axis 1 only, got [1, 2, 4, 4] and "
               "[1, 2, 4, 5]");
  EXPECT_ERROR(shape_of(concat(1), {{1, 2, 4}, {1, 2}}), "differ on axis 1 only");
  EXPECT_ERROR(shape_of(concat(0), {{1, 2}, {1, 2}}), "axis 0 is the batch");
  EXPECT_ERROR(shape_of(concat(2), {{1, 2}, {1, 2}}), "axis 2 is outside an input of rank 2");
  EXPECT_ERROR(shape_of({.name = "y", .op = "Concat"}, {{1, 2}}), "needs the attribute 'axis'");
}

}  // namespace
}  // namespace morph
