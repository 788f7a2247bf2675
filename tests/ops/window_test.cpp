#include "morph/ops/window.h"

#include "ops/chain.h"

namespace morph {
namespace {

Node pool(Attrs attrs) { return {.name = "p", .op = "MaxPool", .attrs = std::move(attrs)}; }

TEST(SlidingWindow, SplitsSamePaddingUpperAndLower) {
  const Shape x = {1, 1, 5, 6};
  const Window upper = sliding_window(pool({{"auto_pad", "SAME_UPPER"}}), x, {2, 3});
  EXPECT_EQ(upper.pads_begin, (Ints{0, 1}));
  EXPECT_EQ(upper.pads_end, (Ints{1, 1}));
  const Window lower = sliding_window(pool({{"auto_pad", "SAME_LOWER"}}), x, {2, 3});
  EXPECT_EQ(lower.pads_begin, (Ints{1, 1}));
  EXPECT_EQ(lower.pads_end, (Ints{0, 1}));
  EXPECT_EQ(lower.output, (Ints{5, 6}));
}

TEST(SlidingWindow, SamePaddingCountsStrideAndDilation) {
  // Places 0, 3, 6 of 7; a window of reach 5 over the last needs 4 positions more.
  const Window window = sliding_window(
      pool({{"auto_pad", "SAME_UPPER"}, {"strides", Ints{3}}, {"dilations", Ints{2}}}),
      {1, 1, 7},
      {3});
  EXPECT_EQ(window.output, (Ints{3}));
  EXPECT_EQ(window.pads_begin, (Ints{2}));
  EXPECT_EQ(window.pads_end, (Ints{2}));
}

TEST(SlidingWindow, SamePaddingIsNeverNegative) {
  const Window window =
      sliding_window(pool({{"auto_pad", "SAME_UPPER"}, {"strides", Ints{4}}}), {1, 1, 8}, {2});
  EXPECT_EQ(window.pads_begin, (Ints{0}));
  EXPECT_EQ(window.pads_end, (Ints{0}));
}

TEST(SlidingWindow, CeilModeTakesOneMorePlaceWhereOneStartsInside) {
  const auto places = [](int64_t size, Attrs attrs) {
    attrs["strides"] = Ints{2};
    return sliding_window(pool(std::move(attrs)), {1, 1, size}, {3}).output[0];
  };
  EXPECT_EQ(places(6, {}), 2);
  EXPECT_EQ(places(6, {{"ceil_mode", Ints{1}}}), 3);
  EXPECT_EQ(places(7, {{"ceil_mode", Ints{1}}}), 3);
  // A fourth window would start at 6, in the padding at the end of 1 + 5 + 2.
  EXPECT_EQ(places(5, {{"ceil_mode", Ints{1}}, {"pads", Ints{1, 2}}}), 3);
}

TEST(SlidingWindow, RefusesWhatDoesNotFit) {
  const Shape x = {1, 1, 5, 5};
  EXPECT_ERROR(sliding_window(pool({{"strides", Ints{2}}}), x, {2, 2}),
               "[p: MaxPool] attribute 'strides' must have 2 entries, got 1");
  EXPECT_ERROR(sliding_window(pool({{"strides", Ints{0, 1}}}), x, {2, 2}),
               "'strides' must be at least 1, got 0");
  EXPECT_ERROR(sliding_window(pool({{"dilations", Ints{1, -1}}}), x, {2, 2}),
               "'dilations' must be at least 1, got -1");
  EXPECT_ERROR(sliding_window(pool({{"pads", Ints{0, 0, -1, 0}}}), x, {2, 2}),
               "'pads' must be at least 0, got -1");
  EXPECT_ERROR(sliding_window(pool({}), x, {6, 2}),
               "the window reaches over 6 positions but the padded input has 5 on axis 2");
  EXPECT_ERROR(sliding_window(pool({}), x, {2}), "expected a window over 2 spatial axes, got 1");
  EXPECT_ERROR(sliding_window(pool({{"auto_pad", "SAME"}}), x, {2, 2}), "got 'SAME'");
  EXPECT_ERROR(sliding_window(pool({{"auto_pad", "VALID"}, {"pads", Ints{0, 0, 0, 0}}}), x, {2, 2}),
               "states both 'pads' and auto_pad = VALID");
}

}  // namespace
}  // namespace morph
