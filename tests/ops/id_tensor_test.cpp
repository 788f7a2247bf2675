#include "morph/ops/id_tensor.h"

#include <numeric>

#include "ops/chain.h"

namespace morph {
namespace {

const Channels kGrid{{2, 3}, {0, 1, 2, 3, 4, 5}};

TEST(IdTensor, SplitsAShapeAtAnAxis) {
  const AxisSplit split = split_at({2, 3, 4, 5}, 2);
  EXPECT_EQ(split.outer, 6U);
  EXPECT_EQ(split.extent, 4U);
  EXPECT_EQ(split.inner, 5U);
}

TEST(IdTensor, TakesPositionsInOrder) {
  EXPECT_EQ(taken(kGrid, 1, Ints{2, 0, 0}), (Channels{{2, 3}, {2, 0, 0, 5, 3, 3}}));
  EXPECT_EQ(taken(kGrid, 0, Ints{1}), (Channels{{1, 3}, {3, 4, 5}}));
  EXPECT_THROW(taken(kGrid, 0, Ints{2}), InternalError);
}

TEST(IdTensor, JoinsAlongAnAxis) {
  const Channels column{{2, 1}, {8, 9}};
  EXPECT_EQ(joined(std::vector{kGrid, column}, 1), (Channels{{2, 4}, {0, 1, 2, 8, 3, 4, 5, 9}}));
  const Channels row{{1, 3}, {7, 8, 9}};
  EXPECT_EQ(joined(std::vector{row, kGrid}, 0), (Channels{{3, 3}, {7, 8, 9, 0, 1, 2, 3, 4, 5}}));
}

TEST(IdTensor, PermutesAxes) {
  EXPECT_EQ(permuted(kGrid, Ints{1, 0}), (Channels{{3, 2}, {0, 3, 1, 4, 2, 5}}));
  const Channels cube{{2, 1, 2}, {0, 1, 2, 3}};
  EXPECT_EQ(permuted(cube, Ints{2, 0, 1}), (Channels{{2, 2, 1}, {0, 2, 1, 3}}));
}

TEST(IdTensor, ReinterpretsOnlyTheAxesThatChannelsTouch) {
  const Channels maps = Channels::along(4, 1, {0, 1, 2, 3});
  EXPECT_EQ(reinterpreted(maps, {1, 4, 5, 6}, {1, 2, 2, 30}),
            (Channels{{1, 2, 2, 1}, {0, 1, 2, 3}}));
  EXPECT_EQ(reinterpreted(maps, {1, 4, 5, 6}, {1, 4, 30}), Channels::along(3, 1, {0, 1, 2, 3}));
}

TEST(IdTensor, ReinterpretsAcrossAxesOfSizeOne) {
  const Channels pooled = Channels::along(4, 1, {0, 1});
  EXPECT_EQ(reinterpreted(pooled, {1, 2, 1, 1}, {1, 2}), Channels::along(2, 1, {0, 1}));
  const Channels flat = Channels::along(2, 1, {0, 1});
  EXPECT_EQ(reinterpreted(flat, {1, 2}, {1, 1, 2, 1}), Channels::along(4, 2, {0, 1}));
}

TEST(IdTensor, ReinterpretsBlocksThatOverlap) {
  // Six positions [0 0 1 1 2 2] read as rows of three.
  const Channels channels = Channels::along(3, 1, {0, 1, 2});
  EXPECT_EQ(reinterpreted(channels, {1, 3, 2}, {1, 2, 3}),
            (Channels{{1, 2, 3}, {0, 0, 1, 1, 2, 2}}));
}

/// The id of every element, in row-major order.
Ids every_id(const Channels& channels, const Shape& shape) {
  return channels.expanded(shape, std::vector<bool>(shape.size(), true)).ids;
}

TEST(IdTensor, ReinterpretingMovesNoElement) {
  const std::vector<Shape> shapes = {{1, 24},
                                     {1, 2, 12},
                                     {1, 12, 2},
                                     {1, 3, 8},
                                     {1, 8, 3},
                                     {1, 4, 6},
                                     {1, 2, 3, 4},
                                     {1, 4, 3, 2},
                                     {1, 1, 24, 1},
                                     {1, 2, 1, 3, 4},
                                     {1, 6, 2, 2},
                                     {24, 1},
                                     {1, 2, 2, 3, 2},
                                     {2, 12},
                                     {1, 3, 2, 2, 2},
                                     {1, 24, 1, 1}};
  for (const Shape& from : shapes) {
    for (size_t axis = 0; axis < from.size(); ++axis) {
      Ids ids(static_cast<size_t>(from[axis]));
      std::iota(ids.begin(), ids.end(), 0);
      const Channels channels = Channels::along(from.size(), axis, ids);
      for (const Shape& to : shapes) {
        SCOPED_TRACE(format_shape(from) + " along " + std::to_string(axis) + " as " +
                     format_shape(to));
        const Channels result = reinterpreted(channels, from, to);
        EXPECT_EQ(every_id(result, to), every_id(channels, from));
        EXPECT_EQ(result, result.compressed());
        EXPECT_EQ(reinterpreted(result, to, from), channels);
      }
    }
  }
}

}  // namespace
}  // namespace morph
