#include "morph/ops/constant.h"

#include "ops/chain.h"

namespace morph {
namespace {

Node parameter(const Shape& shape, const std::string& op = "Parameter") {
  return {.name = "p", .op = op, .params = {{"value", {"p.value", shape}}}};
}

Node binary(const std::string& op) { return {.name = "y", .op = op}; }

TEST(Constant, HasTheShapeOfItsValue) {
  for (const std::string op : {"Constant", "Parameter"}) {
    EXPECT_EQ(shape_of(parameter({1, 3, 1, 1}, op), {}), (Shape{1, 3, 1, 1}));
    EXPECT_ERROR(shape_of(parameter({3, 1, 1}, op), {}),
                 "[p: " + op + "] param 'value' must have a shape that begins with 1");
  }
}

TEST(Constant, IsOpenAndBindsItsValue) {
  Chain chain;
  const Value p = chain.apply(parameter({1, 2, 3}), {});
  EXPECT_TRUE(p.channels.is_open);
  EXPECT_EQ(p.channels.extents, (Shape{1, 2, 3}));
  EXPECT_EQ(p.channels.ids, (Ids{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(chain.notes.value_param, "value");
  EXPECT_EQ(chain.work.offsets, 6);
}

TEST(Constant, ScaleOfMapsIsTiedToTheirChannels) {
  Chain chain;
  const Value p = chain.apply(parameter({1, 2, 1, 1}), {});
  const Value x = chain.value({1, 2, 4, 4});
  const Value y = chain.apply(binary("Mul"), {x, p});
  EXPECT_EQ(y.channels, x.channels);
  EXPECT_TRUE(chain.tied(0, 2) && chain.tied(1, 3));
  EXPECT_FALSE(chain.tied(0, 1));
}

// A position embedding [1, T, C]: positions in time are told apart by no channel.
TEST(Constant, PositionsAlongOtherAxesAreTied) {
  Chain chain;
  const Value x = chain.value({1, 3, 2}, 2);
  const Value p = chain.apply(parameter({1, 3, 2}), {});
  const Value y = chain.apply(binary("Add"), {x, p});
  EXPECT_EQ(y.channels, x.channels);
  for (const ChannelId row : {0, 2, 4}) {
    EXPECT_TRUE(chain.tied(0, 2 + row));
    EXPECT_TRUE(chain.tied(1, 3 + row));
  }
  EXPECT_FALSE(chain.tied(0, 1));
}

TEST(Constant, SpreadOverChannelsTiesNone) {
  Chain chain;
  const Value x = chain.value({1, 2, 2, 2});
  const Value p = chain.apply(parameter({1, 1, 2, 2}), {});
  EXPECT_EQ(chain.apply(binary("Add"), {p, x}).channels, x.channels);
  EXPECT_FALSE(chain.tied(0, 1) || chain.tied(0, 2));
  EXPECT_TRUE(chain.tied(2, 5));
  EXPECT_EQ(chain.reason(2), "meets every channel of 'y'");
}

TEST(Constant, WidensASingleChannel) {
  Chain chain;
  const Value x = chain.uniform({1, 1, 4, 4});
  const Value p = chain.apply(parameter({1, 3, 1, 1}), {});
  const Value y = chain.apply(binary("Mul"), {x, p});
  EXPECT_EQ(y.channels.ids, (Ids{1, 2, 3}));
  EXPECT_FALSE(y.channels.is_open);
  EXPECT_EQ(chain.reason(0), "multiplies every channel of 'y'");
}

TEST(Constant, StaysOpenUntilItMeetsAValue) {
  Chain chain;
  const Value p = chain.apply(parameter({1, 2, 1}), {});
  const Value q = chain.apply(parameter({1, 2, 1}), {});
  EXPECT_TRUE(chain.apply({.name = "e", .op = "Tanh"}, {p}).channels.is_open);
  EXPECT_TRUE(chain.apply(binary("Add"), {p, q}).channels.is_open);
  EXPECT_TRUE(chain.tied(0, 2) && chain.tied(1, 3));
}

// A class token [1, 1, C] before a sequence [1, T, C].
TEST(Constant, ContinuesTheChannelsItIsPutBeside) {
  Chain chain;
  const Value x = chain.value({1, 3, 2}, 2);
  const Value token = chain.apply(parameter({1, 1, 2}), {});
  const Value y =
      chain.apply({.name = "y", .op = "Concat", .attrs = {{"axis", Ints{1}}}}, {token, x});
  EXPECT_EQ(y.shape, (Shape{1, 4, 2}));
  EXPECT_EQ(y.channels.extents, (Shape{1, 1, 2}));
  EXPECT_TRUE(chain.tied(0, 2) && chain.tied(1, 3));
}

// Coordinates beside the channels of a map are neither removed nor doubled.
TEST(Constant, BesideChannelsIsPinned) {
  Chain chain;
  const Value x = chain.value({1, 3, 2, 2});
  const Value places = chain.apply(parameter({1, 2, 2, 2}, "Constant"), {});
  const Value y =
      chain.apply({.name = "y", .op = "Concat", .attrs = {{"axis", Ints{1}}}}, {x, places});
  EXPECT_EQ(y.channels, Channels::along(4, 1, {0, 1, 2, 3, 7}));
  EXPECT_EQ(chain.reason(3), "a constant beside the channels of 'y'");
  EXPECT_EQ(chain.reason(7), "a constant beside the channels of 'y'");
  EXPECT_EQ(chain.reason(0), "");
}

}  // namespace
}  // namespace morph
