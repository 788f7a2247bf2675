#include "morph/ops/pooling.h"

#include "ops/chain.h"

namespace morph {
namespace {

Node pool(const std::string& op, Attrs attrs = {}) {
  return {.name = "p", .op = op, .attrs = std::move(attrs)};
}

const Attrs kByTwo = {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}};

TEST(Pooling, InfersShapes) {
  for (const std::string op : {"MaxPool", "AveragePool"}) {
    EXPECT_EQ(shape_of(pool(op, kByTwo), {{1, 3, 8, 6}}), (Shape{1, 3, 4, 3}));
    EXPECT_EQ(shape_of(pool(op, {{"kernel_shape", Ints{3}}}), {{1, 3, 8}}), (Shape{1, 3, 6}));
  }
  EXPECT_EQ(shape_of(pool("GlobalAveragePool"), {{1, 3, 8, 6}}), (Shape{1, 3, 1, 1}));
}

TEST(Pooling, HandsChannelsOn) {
  for (const Node& node :
       {pool("MaxPool", kByTwo), pool("AveragePool", kByTwo), pool("GlobalAveragePool")}) {
    Chain chain;
    const Value x = chain.value({1, 2, 4, 4});
    EXPECT_EQ(chain.apply(node, {x}).channels, x.channels);
    EXPECT_TRUE(chain.flow.pins().empty());
    EXPECT_FALSE(chain.work.is_layer());
  }
}

TEST(Pooling, PinsChannelsThatItMixes) {
  Chain chain;
  const Value x = chain.value({1, 2, 4, 4}, 3);
  const Value y = chain.apply(pool("MaxPool", kByTwo), {x});
  EXPECT_EQ(chain.reason(0), "pooled over in 'p'");
  EXPECT_EQ(y.channels.extents, (Shape{1, 2, 1, 1}));
  EXPECT_TRUE(chain.tied(0, 3));
}

TEST(Pooling, RefusesWhatDoesNotFit) {
  EXPECT_ERROR(shape_of(pool("MaxPool"), {{1, 3, 8, 8}}),
               "[p: MaxPool] needs the attribute 'kernel_shape'");
  EXPECT_ERROR(shape_of(pool("MaxPool", {{"kernel_shape", Ints{0, 2}}}), {{1, 3, 8, 8}}),
               "'kernel_shape' must be at least 1, got 0");
  EXPECT_ERROR(shape_of(pool("AveragePool", kByTwo), {{1, 3}}),
               "expected an input of rank 3 to 5, got rank 2");
  EXPECT_ERROR(shape_of(pool("GlobalAveragePool"), {{1, 3}}),
               "expected an input of rank 3 to 5, got rank 2");
  Attrs padded = kByTwo;
  padded["pads"] = Ints{2, 0, 0, 0};
  EXPECT_ERROR(shape_of(pool("MaxPool", padded), {{1, 3, 8, 8}}),
               "pads must be smaller than the window");
}

}  // namespace
}  // namespace morph
