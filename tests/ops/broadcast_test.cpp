#include "morph/ops/broadcast.h"

#include "ops/chain.h"

namespace morph {
namespace {

Node binary(const std::string& op) { return {.name = "y", .op = op}; }

TEST(Broadcast, InfersShapes) {
  for (const std::string op : {"Add", "Div", "Max", "Mean", "Min", "Mul", "Pow", "Sub", "Sum"}) {
    EXPECT_EQ(shape_of(binary(op), {{1, 3, 4, 4}, {1, 3, 4, 4}}), (Shape{1, 3, 4, 4}));
    EXPECT_EQ(shape_of(binary(op), {{1, 3, 4, 1}, {1, 1, 4, 5}}), (Shape{1, 3, 4, 5}));
  }
  EXPECT_EQ(shape_of(binary("Add"), {{1, 1}, {1, 1}, {1, 7}}), (Shape{1, 7}));
}

TEST(Broadcast, RefusesWhatDoesNotFit) {
  EXPECT_ERROR(shape_of(binary("Add"), {{1, 3, 4, 4}, {1, 2, 4, 4}}),
               "[y: Add] expected operands of one rank whose sizes are equal or 1, got "
               "[1, 3, 4, 4] and [1, 2, 4, 4]");
  EXPECT_ERROR(shape_of(binary("Mul"), {{1, 3, 4, 4}, {1, 4}}), "operands of one rank");
}

TEST(Add, TiesOperandsPositionByPosition) {
  Chain chain;
  const Value a = chain.value({1, 2, 4, 4});
  const Value b = chain.value({1, 2, 4, 4});
  const Value c = chain.value({1, 2, 4, 4});
  const Value y = chain.apply(binary("Add"), {a, b, c});
  EXPECT_EQ(y.channels, a.channels);
  EXPECT_TRUE(chain.tied(0, 2) && chain.tied(0, 4));
  EXPECT_TRUE(chain.tied(1, 3) && chain.tied(1, 5));
  EXPECT_FALSE(chain.tied(0, 1));
  EXPECT_TRUE(chain.flow.pins().empty());
}

TEST(Add, TiesASmallerMapOfTheSameChannels) {
  Chain chain;
  const Value gate = chain.value({1, 2, 1, 1});
  const Value x = chain.value({1, 2, 4, 4});
  EXPECT_EQ(chain.apply(binary("Add"), {gate, x}).channels.extents, (Shape{1, 2, 1, 1}));
  EXPECT_TRUE(chain.tied(0, 2) && chain.tied(1, 3));
}

TEST(Add, LeavesASpreadChannelFree) {
  for (const std::string op : {"Add", "Sum"}) {
    Chain chain;
    const Value one = chain.value({1, 1, 4, 4});
    const Value x = chain.value({1, 2, 4, 4});
    EXPECT_EQ(chain.apply(binary(op), {one, x}).channels, x.channels);
    EXPECT_FALSE(chain.tied(0, 1) || chain.tied(0, 2));
    EXPECT_TRUE(chain.flow.pins().empty());
  }
}

TEST(Add, TiesSingleChannels) {
  Chain chain;
  const Value a = chain.value({1, 1, 4, 4});
  const Value b = chain.value({1, 1, 4, 4});
  chain.apply(binary("Add"), {a, b});
  EXPECT_TRUE(chain.tied(0, 1));
}

TEST(Add, TiesAllChannelsToAFullOperandThatIsOneChannel) {
  Chain chain;
  const Value all = chain.uniform({1, 2, 4, 4});
  const Value x = chain.value({1, 2, 4, 4});
  chain.apply(binary("Add"), {x, all});
  EXPECT_TRUE(chain.tied(0, 1) && chain.tied(0, 2));
}

TEST(Add, TiesEverythingWhereChannelsOfTwoAxesMeet) {
  Chain chain;
  const Value rows = chain.value({1, 2, 1}, 1);
  const Value columns = chain.value({1, 1, 2}, 2);
  const Value y = chain.apply(binary("Add"), {rows, columns});
  EXPECT_EQ(y.channels.extents, (Shape{1, 2, 2}));
  for (ChannelId id = 1; id < 4; ++id) EXPECT_TRUE(chain.tied(0, id));
}

TEST(Mul, TiesAGateToTheMapItScales) {
  Chain chain;
  const Value x = chain.value({1, 2, 4, 4});
  const Value gate = chain.value({1, 2, 1, 1});
  EXPECT_EQ(chain.apply(binary("Mul"), {x, gate}).channels, x.channels);
  EXPECT_TRUE(chain.tied(0, 2) && chain.tied(1, 3));
}

TEST(Elementwise, PinsOneChannelThatMeetsAll) {
  for (const std::string op : {"Div", "Max", "Mean", "Min", "Pow", "Sub"}) {
    Chain chain;
    const Value x = chain.value({1, 2, 4, 4});
    const Value mask = chain.value({1, 1, 4, 4});
    EXPECT_EQ(chain.apply(binary(op), {x, mask}).channels, x.channels) << op;
    EXPECT_EQ(chain.reason(2), "meets every channel of 'y'") << op;
    EXPECT_EQ(chain.reason(0), "") << op;
  }
}

TEST(Elementwise, TakesOneOperandWhereOnnxDoes) {
  for (const std::string op : {"Max", "Mean", "Min", "Sum"}) {
    Chain chain;
    const Value x = chain.value({1, 2, 4, 4});
    EXPECT_EQ(chain.apply(binary(op), {x}).channels, x.channels) << op;
  }
}

TEST(Mul, PinsOneChannelThatScalesAll) {
  Chain chain;
  const Value x = chain.value({1, 2, 4, 4});
  const Value mask = chain.value({1, 1, 4, 4});
  EXPECT_EQ(chain.apply(binary("Mul"), {x, mask}).channels, x.channels);
  EXPECT_EQ(chain.reason(2), "multiplies every channel of 'y'");
  EXPECT_EQ(chain.reason(0), "");
  EXPECT_FALSE(chain.tied(0, 2));
}

}  // namespace
}  // namespace morph
