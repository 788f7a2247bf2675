#include "ops/chain.h"

namespace morph {
namespace {

Node input(const Shape& shape) { return {.name = "x", .op = "Input", .attrs = {{"shape", shape}}}; }

TEST(Input, MakesPinnedChannelsOnAxisOne) {
  Chain chain;
  const Value x = chain.apply(input({1, 3, 8, 8}), {});
  EXPECT_EQ(x.shape, (Shape{1, 3, 8, 8}));
  EXPECT_EQ(x.channels, Channels::along(4, 1, {0, 1, 2}));
  EXPECT_EQ(chain.reason(2), "network input");
  EXPECT_EQ(chain.apply(input({1, 2}), {}).channels, Channels::along(2, 1, {3, 4}));
}

TEST(Input, OfOneAxisIsOneChannel) {
  Chain chain;
  EXPECT_EQ(chain.apply(input({1}), {}).channels, Channels::uniform(1, 0));
}

TEST(Input, RefusesShapesWithoutBatch) {
  EXPECT_ERROR(shape_of({.name = "x", .op = "Input"}, {}),
               "[x: Input] needs the attribute 'shape'");
  EXPECT_ERROR(shape_of(input({3, 8, 8}), {}), "must begin with 1, the batch of one example");
}

}  // namespace
}  // namespace morph
