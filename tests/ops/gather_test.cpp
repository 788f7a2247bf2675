#include "morph/ops/gather.h"

#include "ops/chain.h"

namespace morph {
namespace {

Node gather(int64_t axis, Ints indices) {
  return {.name = "g", .op = "Gather", .attrs = {{"axis", Ints{axis}}, {"indices", indices}}};
}

TEST(Gather, TakesPositionsInOrder) {
  Chain chain;
  const Value x = chain.value({1, 4, 2});
  const Value y = chain.apply(gather(1, {2, -4, 2}), {x});
  EXPECT_EQ(y.shape, (Shape{1, 3, 2}));
  EXPECT_EQ(y.channels, Channels::along(3, 1, {2, 0, 2}));
  const Value z = chain.apply(gather(2, {1}), {x});
  EXPECT_EQ(z.shape, (Shape{1, 4, 1}));
  EXPECT_EQ(z.channels, x.channels);
}

TEST(Gather, TakesIndicesOfAnyShape) {
  Node one = gather(2, {1});
  one.attrs["indices_shape"] = Ints{};
  EXPECT_EQ(shape_of(one, {{1, 4, 2}}), (Shape{1, 4}));
  Node square = gather(1, {0, 1, 2, 3});
  square.attrs["indices_shape"] = Ints{2, 2};
  Chain chain;
  const Value y = chain.apply(square, {chain.value({1, 4, 5})});
  EXPECT_EQ(y.shape, (Shape{1, 2, 2, 5}));
  EXPECT_EQ(y.channels.ids, (Ids{0, 1, 2, 3}));
  EXPECT_EQ(y.channels.extents, (Shape{1, 2, 2, 1}));
}

TEST(Gather, PinsAChannelWhoseAxisItDrops) {
  Chain chain;
  Node one = gather(1, {2});
  one.attrs["indices_shape"] = Ints{};
  const Value y = chain.apply(one, {chain.value({1, 4, 5})});
  EXPECT_EQ(y.channels, Channels::uniform(2, 2));
  EXPECT_EQ(chain.reason(2), "a channel picked out in 'g'");
  EXPECT_EQ(chain.reason(1), "");
}

TEST(Gather, TiesWhatItPicksOutOfPackedChannels) {
  // Queries, keys and values, packed as (3, C = 2) and picked out one by one.
  Chain chain;
  const Value packed =
      chain.apply({.name = "r", .op = "Reshape", .attrs = {{"shape", Ints{0, 3, 2, 5}}}},
                  {chain.value({1, 6, 5})});
  Node one = gather(1, {1});
  one.attrs["indices_shape"] = Ints{};
  const Value y = chain.apply(one, {packed});
  EXPECT_EQ(y.shape, (Shape{1, 2, 5}));
  EXPECT_EQ(y.channels.extents, (Shape{1, 2, 1}));
  EXPECT_TRUE(chain.tied(0, 2) && chain.tied(2, 4) && chain.tied(1, 5));
  EXPECT_FALSE(chain.tied(0, 1));
  EXPECT_EQ(chain.reason(0), "");
}

TEST(Gather, RenumbersItsIndices) {
  Node node = gather(1, {3, 0, 2});
  const std::vector<Shape> old_shapes = {{1, 4}};
  const std::vector<Shape> new_shapes = {{1, 5}};
  const std::vector<Copies> copies = {{{}, {2, 0, 1, 2}}};
  const Copies output = {{}, {2, 2, 1}};
  op_def("Gather").resize(node,
                          {.old_inputs = old_shapes,
                           .input_copies = copies,
                           .new_inputs = new_shapes,
                           .output_copies = output,
                           .new_output = {1, 5}});
  EXPECT_EQ(node.ints("indices", {}), (Ints{3, 4, 0, 1, 2}));
}

TEST(Gather, RefusesWhatDoesNotFit) {
  EXPECT_ERROR(shape_of(gather(1, {4}), {{1, 4}}),
               "[g: Gather] index 4 is outside axis 1 of size 4");
  EXPECT_ERROR(shape_of(gather(1, {}), {{1, 4}}), "needs the attribute 'indices'");
  EXPECT_ERROR(shape_of(gather(0, {0}), {{1, 4}}), "axis 0 is the batch");
  Node node = gather(1, {0, 1});
  node.attrs["indices_shape"] = Ints{3};
  EXPECT_ERROR(shape_of(node, {{1, 4}}), "'indices_shape' = [3] does not hold 2 indices");
}

}  // namespace
}  // namespace morph
