#include "morph/ops/id_tensor.h"

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

}  // namespace
}  // namespace morph
