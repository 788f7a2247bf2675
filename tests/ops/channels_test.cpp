#include "morph/ops/channels.h"

#include "ops/chain.h"

namespace morph {
namespace {

TEST(Channels, AlongOneAxis) {
  const Channels channels = Channels::along(4, 1, {5, 6, 7});
  EXPECT_EQ(channels.extents, (Shape{1, 3, 1, 1}));
  EXPECT_EQ(channels.ids, (Ids{5, 6, 7}));
  EXPECT_TRUE(channels.varies_along(1));
  EXPECT_FALSE(channels.varies_along(2));
}

TEST(Channels, UniformIsOneIdEverywhere) {
  EXPECT_EQ(Channels::uniform(3, 9), (Channels{{1, 1, 1}, {9}}));
}

TEST(Channels, ExpandedRepeatsAlongTheMarkedAxes) {
  const Channels channels = Channels::along(3, 1, {5, 6});
  const Channels inner = channels.expanded({1, 2, 3}, {false, false, true});
  EXPECT_EQ(inner, (Channels{{1, 2, 3}, {5, 5, 5, 6, 6, 6}}));
  const Channels outer = Channels::along(2, 1, {5, 6}).expanded({3, 2}, {true, false});
  EXPECT_EQ(outer, (Channels{{3, 2}, {5, 6, 5, 6, 5, 6}}));
}

TEST(Channels, CompressedDropsAxesAlongWhichNothingChanges) {
  const Channels full{{1, 2, 3}, {5, 5, 5, 6, 6, 6}};
  EXPECT_EQ(full.compressed(), (Channels{{1, 2, 1}, {5, 6}}));
  const Channels mixed{{1, 2, 2}, {5, 5, 6, 7}};
  EXPECT_EQ(mixed.compressed(), mixed);
  EXPECT_EQ((Channels{{2, 2}, {5, 5, 5, 5}}).compressed(), Channels::uniform(2, 5));
}

TEST(ChannelFlow, FreshIdsCountUp) {
  ChannelFlow flow;
  EXPECT_EQ(flow.fresh(2), (Ids{0, 1}));
  EXPECT_EQ(flow.fresh(1), (Ids{2}));
}

TEST(ChannelFlow, TiesPositionByPosition) {
  ChannelFlow flow;
  const Ids a = flow.fresh(2);
  const Ids b = flow.fresh(2);
  flow.tie(a, b);
  EXPECT_EQ(flow.representative(2), 0);
  EXPECT_EQ(flow.representative(3), 1);
  EXPECT_THROW(flow.tie(a, Ids{0}), InternalError);
}

TEST(ChannelFlow, KeepsPinsInTheOrderTheyWereGiven) {
  ChannelFlow flow;
  const Ids ids = flow.fresh(2);
  flow.pin(std::span(ids).first(1), "first");
  flow.pin(ids, "second");
  ASSERT_EQ(flow.pins().size(), 2U);
  EXPECT_EQ(flow.pins()[0], (ChannelPin{.ids = {0}, .reason = "first"}));
  EXPECT_EQ(flow.pins()[1], (ChannelPin{.ids = {0, 1}, .reason = "second"}));
}

TEST(ChannelFlow, AlongAxisHandsOverIdsThatLieThere) {
  ChannelFlow flow;
  const Channels channels = Channels::along(4, 1, flow.fresh(3));
  EXPECT_EQ(flow.along_axis(channels, {1, 3, 8, 8}, 1), (Ids{0, 1, 2}));
  EXPECT_NE(flow.representative(0), flow.representative(1));
}

TEST(ChannelFlow, AlongAxisTiesWhatVariesElsewhere) {
  ChannelFlow flow;
  flow.fresh(4);
  const Channels channels{{1, 2, 2}, {0, 1, 2, 3}};
  EXPECT_EQ(flow.along_axis(channels, {1, 2, 2}, 2), (Ids{0, 1}));
  EXPECT_EQ(flow.representative(2), 0);
  EXPECT_EQ(flow.representative(3), 1);
}

TEST(ChannelFlow, AlongAxisRepeatsAUniformValue) {
  ChannelFlow flow;
  const Channels channels = Channels::uniform(2, flow.fresh(1)[0]);
  EXPECT_EQ(flow.along_axis(channels, {1, 3}, 1), (Ids{0, 0, 0}));
}

TEST(ChannelFlow, NotesBelongToOneNode) {
  ChannelFlow flow;
  flow.bind_output("weight", 0, {1, 2});
  flow.bind_input("weight", 1, {3});
  flow.reads({3});
  const NodeChannels notes = flow.take_notes();
  ASSERT_EQ(notes.params.size(), 2U);
  EXPECT_TRUE(notes.params[0].of_output);
  EXPECT_FALSE(notes.params[1].of_output);
  EXPECT_EQ(notes.reads, (Ids{3}));
  EXPECT_TRUE(flow.take_notes().params.empty());
}

}  // namespace
}  // namespace morph
