#include "morph/ops/blocks.h"

#include "ops/chain.h"

namespace morph {
namespace {

Node node(const std::string& op, Attrs attrs) {
  return {.name = "b", .op = op, .attrs = std::move(attrs)};
}

TEST(DepthToSpace, TiesTheChannelsOfABlock) {
  Chain chain;
  const Value x = chain.value({1, 8, 2, 3});
  const Value dcr = chain.apply(node("DepthToSpace", {{"blocksize", Ints{2}}}), {x});
  EXPECT_EQ(dcr.shape, (Shape{1, 2, 4, 6}));
  EXPECT_EQ(dcr.channels, Channels::along(4, 1, {0, 1}));
  for (const ChannelId id : {2, 4, 6}) EXPECT_TRUE(chain.tied(0, id) && chain.tied(1, id + 1));
  EXPECT_FALSE(chain.tied(0, 1));
}

TEST(DepthToSpace, OfModeCrdTakesNeighbours) {
  Chain chain;
  const Value x = chain.value({1, 8, 2, 3});
  const Value crd =
      chain.apply(node("DepthToSpace", {{"blocksize", Ints{2}}, {"mode", "CRD"}}), {x});
  EXPECT_EQ(crd.channels, Channels::along(4, 1, {0, 4}));
  EXPECT_TRUE(chain.tied(0, 3) && chain.tied(4, 7));
  EXPECT_FALSE(chain.tied(3, 4));
}

TEST(SpaceToDepth, RepeatsTheChannelsForEachPlaceInABlock) {
  Chain chain;
  const Value x = chain.value({1, 2, 4, 6});
  const Value y = chain.apply(node("SpaceToDepth", {{"blocksize", Ints{2}}}), {x});
  EXPECT_EQ(y.shape, (Shape{1, 8, 2, 3}));
  EXPECT_EQ(y.channels, Channels::along(4, 1, {0, 1, 0, 1, 0, 1, 0, 1}));
  EXPECT_FALSE(chain.tied(0, 1));
}

TEST(Blocks, RefuseWhatDoesNotFit) {
  EXPECT_ERROR(shape_of(node("DepthToSpace", {{"blocksize", Ints{2}}}), {{1, 6, 2, 2}}),
               "[b: DepthToSpace] blocks of 2x2 need a multiple of 4 channels, got 6");
  EXPECT_ERROR(shape_of(node("DepthToSpace", {}), {{1, 4, 2, 2}}), "'blocksize' must lie between");
  EXPECT_ERROR(
      shape_of(node("DepthToSpace", {{"blocksize", Ints{2}}, {"mode", "RCD"}}), {{1, 4, 2, 2}}),
      "must be DCR or CRD, got 'RCD'");
  EXPECT_ERROR(shape_of(node("SpaceToDepth", {{"blocksize", Ints{2}}}), {{1, 6, 2, 3}}),
               "do not divide an input of shape [1, 6, 2, 3]");
  EXPECT_ERROR(shape_of(node("SpaceToDepth", {{"blocksize", Ints{2}}}), {{1, 6, 2}}), "rank 4");
}

}  // namespace
}  // namespace morph
