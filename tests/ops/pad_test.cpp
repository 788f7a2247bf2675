#include "ops/chain.h"

namespace morph {
namespace {

Node pad(const Ints& pads, Attrs more = {}) {
  more["pads"] = pads;
  return {.name = "p", .op = "Pad", .attrs = std::move(more)};
}

TEST(Pad, InfersShapes) {
  EXPECT_EQ(shape_of(pad({0, 0, 1, 2, 0, 0, 3, 4}), {{1, 3, 8, 8}}), (Shape{1, 3, 12, 14}));
  EXPECT_EQ(shape_of(pad({0, 0, 2, 0, 0, 2}, {{"mode", "reflect"}}), {{1, 2, 3}}),
            (Shape{1, 2, 7}));
}

TEST(Pad, OfTheMapHandsChannelsOn) {
  for (const std::string mode : {"constant", "reflect", "edge"}) {
    Chain chain;
    const Value x = chain.value({1, 2, 4, 4});
    const Node node = pad({0, 0, 1, 1, 0, 0, 1, 1}, {{"mode", mode}, {"value", Ints{3}}});
    EXPECT_EQ(chain.apply(node, {x}).channels, x.channels);
    EXPECT_TRUE(chain.flow.pins().empty());
  }
}

TEST(Pad, OfChannelsWithZerosMakesFreeOnes) {
  Chain chain;
  const Value x = chain.value({1, 2, 4, 4});
  const Value y = chain.apply(pad({0, 1, 0, 0, 0, 2, 0, 0}), {x});
  EXPECT_EQ(y.shape, (Shape{1, 5, 4, 4}));
  EXPECT_EQ(y.channels, Channels::along(4, 1, {2, 0, 1, 3, 4}));
  EXPECT_TRUE(chain.flow.pins().empty());
}

TEST(Pad, OfChannelsWithOtherValuesPins) {
  Chain chain;
  const Value x = chain.value({1, 2, 4});
  const Value y = chain.apply(pad({0, 1, 0, 0, 0, 0}, {{"value", std::vector{0.5}}}), {x});
  EXPECT_EQ(y.channels.ids, (Ids{2, 0, 1}));
  for (ChannelId id = 0; id < 3; ++id) EXPECT_EQ(chain.reason(id), "padded along channels in 'p'");
}

TEST(Pad, OfChannelsWithTheirNeighboursRepeatsThem) {
  Chain chain;
  const Value x = chain.value({1, 3, 4});
  const Ints pads = {0, 2, 0, 0, 1, 0};
  EXPECT_EQ(chain.apply(pad(pads, {{"mode", "edge"}}), {x}).channels.ids, (Ids{0, 0, 0, 1, 2, 2}));
  EXPECT_EQ(chain.apply(pad(pads, {{"mode", "reflect"}}), {x}).channels.ids,
            (Ids{2, 1, 0, 1, 2, 1}));
  EXPECT_EQ(chain.reason(1), "padded along channels in 'p'");
}

TEST(Pad, CountsPadsAnewWhenChannelsChange) {
  Node node = pad({0, 2, 1, 0, 1, 1});
  const Shape unused = {};
  const Copies input;
  // Two padded channels, two of the input, one padded; of each padding one is left.
  const Copies output = {{}, {0, 1, 1, 0, 1}, {}};
  op_def("Pad").resize(node,
                       {.old_inputs = {&unused, 1},
                        .input_copies = {&input, 1},
                        .new_inputs = {&unused, 1},
                        .output_copies = output,
                        .new_output = unused});
  EXPECT_EQ(node.ints("pads", {}), (Ints{0, 1, 1, 0, 1, 1}));
}

TEST(Pad, RefusesWhatDoesNotFit) {
  const Shape x = {1, 2, 3};
  EXPECT_ERROR(shape_of(pad({0, 0}), {x}), "[p: Pad] attribute 'pads' must have 6 entries");
  EXPECT_ERROR(shape_of(pad({1, 0, 0, 0, 0, 0}), {x}), "cannot pad axis 0, the batch");
  EXPECT_ERROR(shape_of(pad({0, 0, -1, 0, 0, 0}), {x}), "must not hold -1");
  EXPECT_ERROR(shape_of(pad({0, 0, 3, 0, 0, 0}, {{"mode", "reflect"}}), {x}),
               "cannot reflect 3 positions of axis 2, which has 3");
  EXPECT_ERROR(shape_of(pad({0, 0, 1, 0, 0, 0}, {{"mode", "wrap"}}), {x}), "got 'wrap'");
}

}  // namespace
}  // namespace morph
