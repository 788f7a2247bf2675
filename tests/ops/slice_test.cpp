#include "morph/ops/slice.h"

#include <limits>

#include "ops/chain.h"

namespace morph {
namespace {

Node slice(Ints starts, Ints ends, Ints axes, Attrs more = {}) {
  more["starts"] = std::move(starts);
  more["ends"] = std::move(ends);
  more["axes"] = std::move(axes);
  return {.name = "s", .op = "Slice", .attrs = std::move(more)};
}

TEST(Slice, InfersShapesWithOnnxBounds) {
  constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
  constexpr int64_t kFront = std::numeric_limits<int64_t>::min();
  const Shape x = {1, 6, 10};
  EXPECT_EQ(shape_of(slice({2}, {4}, {1}), {x}), (Shape{1, 2, 10}));
  EXPECT_EQ(shape_of(slice({2, 1}, {kEnd, -1}, {1, 2}), {x}), (Shape{1, 4, 8}));
  EXPECT_EQ(shape_of(slice({-2}, {100}, {-2}), {x}), (Shape{1, 2, 10}));
  EXPECT_EQ(shape_of(slice({-100}, {3}, {1}), {x}), (Shape{1, 3, 10}));
  EXPECT_EQ(shape_of(slice({0}, {6}, {1}, {{"steps", Ints{4}}}), {x}), (Shape{1, 2, 10}));
  EXPECT_EQ(shape_of(slice({-1}, {kFront}, {1}, {{"steps", Ints{-1}}}), {x}), (Shape{1, 6, 10}));
  EXPECT_EQ(shape_of(slice({4}, {0}, {1}, {{"steps", Ints{-3}}}), {x}), (Shape{1, 2, 10}));
}

TEST(Slice, ResolvesRanges) {
  const auto ranges =
      slice_ranges(slice({-1, 2}, {-100, 9}, {2, 1}, {{"steps", Ints{-2, 1}}}), {1, 6, 10});
  ASSERT_EQ(ranges.size(), 2U);
  EXPECT_EQ(ranges[0].axis, 2U);
  EXPECT_EQ(ranges[0].start, 9);
  EXPECT_EQ(ranges[0].step, -2);
  EXPECT_EQ(ranges[0].count, 5);
  EXPECT_EQ(ranges[1].axis, 1U);
  EXPECT_EQ(ranges[1].start, 2);
  EXPECT_EQ(ranges[1].count, 4);
}

TEST(Slice, TakesASubrangeOfChannels) {
  Chain chain;
  const Value x = chain.value({1, 5, 4, 4});
  EXPECT_EQ(chain.apply(slice({1}, {4}, {1}), {x}).channels, Channels::along(4, 1, {1, 2, 3}));
  EXPECT_EQ(chain.apply(slice({1}, {4}, {2}), {x}).channels, x.channels);
  EXPECT_TRUE(chain.flow.pins().empty());
}

TEST(Slice, PinsChannelsItSkipsThrough) {
  Chain chain;
  const Value x = chain.value({1, 4, 4, 4});
  const Value y = chain.apply(slice({0}, {4}, {1}, {{"steps", Ints{2}}}), {x});
  EXPECT_EQ(y.channels.ids, (Ids{0, 2}));
  EXPECT_EQ(chain.reason(1), "strided slice in 's'");
}

Node resized(Node node, const Shape& old_input, const Copies& copies) {
  const Shape unused = {};
  op_def("Slice").resize(node,
                         {.old_inputs = {&old_input, 1},
                          .input_copies = {&copies, 1},
                          .new_inputs = {&unused, 1},
                          .output_copies = copies,
                          .new_output = unused});
  return node;
}

TEST(Slice, CountsBoundsAnewWhenChannelsChange) {
  const Node split = slice({3}, {-1}, {1});
  const Shape x = {1, 6, 8, 8};
  // Of channels 0 … 5 the slice took 3 and 4; 1 and 3 go.
  const Node narrow = resized(split, x, {{}, {1, 0, 1, 0, 1, 1}, {}, {}});
  EXPECT_EQ(narrow.ints("starts", {}), (Ints{2}));
  EXPECT_EQ(narrow.ints("ends", {}), (Ints{3}));
  const Node wide = resized(split, x, {{}, {2, 2, 2, 3, 3, 1}, {}, {}});
  EXPECT_EQ(wide.ints("starts", {}), (Ints{6}));
  EXPECT_EQ(wide.ints("ends", {}), (Ints{12}));
}

TEST(Slice, LeavesBoundsAloneWhereNothingChanges) {
  const Node split = slice({3, 0}, {-1, 100}, {1, 2});
  EXPECT_EQ(resized(split, {1, 6, 8, 8}, {{}, {1, 1, 1, 1, 1, 1}, {}, {}}), split);
  EXPECT_EQ(resized(split, {1, 6, 8, 8}, {{}, {}, {}, {}}), split);
}

TEST(Slice, RefusesWhatDoesNotFit) {
  const Shape x = {1, 6};
  EXPECT_ERROR(shape_of(slice({4}, {4}, {1}), {x}), "[s: Slice] takes nothing along axis 1");
  EXPECT_ERROR(shape_of(slice({0}, {1}, {0}), {x}), "axis 0 is the batch");
  EXPECT_ERROR(shape_of(slice({0, 0}, {1}, {1}), {x}), "must have one length");
  EXPECT_ERROR(shape_of({.name = "s", .op = "Slice"}, {x}), "must have one length");
  EXPECT_ERROR(shape_of(slice({0, 1}, {1, 2}, {1, -1}), {x}), "names axis 1 twice");
  EXPECT_ERROR(shape_of(slice({0}, {1}, {1}, {{"steps", Ints{0}}}), {x}), "must not hold 0");
}

}  // namespace
}  // namespace morph
