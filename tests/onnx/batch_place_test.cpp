#include "morph/onnx/batch_place.h"

#include <gtest/gtest.h>

namespace morph::onnx {
namespace {

TEST(BatchPlace, FirstIsTheShapeItself) {
  const BatchPlace place;
  EXPECT_TRUE(place.is_first());
  EXPECT_EQ(file_shape({1, 3, 8}, place, 5), (Shape{5, 3, 8}));
  EXPECT_EQ(stored_shape({5, 3, 8}, place), (Shape{1, 3, 8}));
  EXPECT_EQ(stored_axis(2, place), 2U);
}

TEST(BatchPlace, OfAttentionLiesBehindOtherAxes) {
  // [3, N, heads, T]: ours has N first.
  const BatchPlace place{.axis = 1};
  EXPECT_EQ(file_shape({1, 3, 4, 7}, place, 5), (Shape{3, 5, 4, 7}));
  EXPECT_EQ(stored_shape({3, 5, 4, 7}, place), (Shape{1, 3, 4, 7}));
  EXPECT_EQ(stored_axis(0, place), 1U);
  EXPECT_EQ(stored_axis(2, place), 2U);
}

TEST(BatchPlace, MayBeSharedWithAxesOnBothSides) {
  // [2 · N · 4, C]
  const BatchPlace place{.axis = 0, .before = 2, .after = 4};
  EXPECT_EQ(file_shape({1, 2, 4, 9}, place, 5), (Shape{40, 9}));
  EXPECT_EQ(stored_shape({40, 9}, place), (Shape{1, 2, 4, 9}));
  EXPECT_EQ(stored_axis(1, place), 3U);
}

TEST(BatchPlace, PermutationsCarryItsPartsAlong) {
  // [N · 4, C, T] as [T, N · 4, C]: ours goes from [1, 4, C, T] to [1, T, 4, C].
  const BatchPlace place{.axis = 0, .after = 4};
  EXPECT_EQ(stored_perm({2, 0, 1}, place), (std::vector<int64_t>{0, 3, 1, 2}));
  EXPECT_EQ(stored_perm({2, 0, 3, 1}, BatchPlace{}), (std::vector<int64_t>{0, 2, 3, 1}));
}

TEST(FindBatch, SeesWhereAPrimeHasGone) {
  // [N, T = 6, C = 4] read in other shapes, for a batch of 97.
  const auto find = [](const Shape& shape) { return find_batch(shape, 97, 1, 24); };
  EXPECT_EQ(find({97, 24}), BatchPlace{});
  EXPECT_EQ(find({97 * 6, 4}), (BatchPlace{.axis = 0, .after = 6}));
  EXPECT_EQ(find({1, 97, 24}), (BatchPlace{.axis = 1}));
  EXPECT_EQ(find({6, 97, 4}), std::nullopt);
}

TEST(FindBatch, TakesAPlaceOfItsOwnBeforeASharedOne) {
  // [T = 5, N = 1, C = 4]: the 1 is the batch, although 5 might be 5 · 1.
  EXPECT_EQ(find_batch({5, 1, 4}, 1, 5, 4), (BatchPlace{.axis = 1}));
  EXPECT_EQ(find_batch({5, 4}, 1, 5, 4), (BatchPlace{.axis = 0, .before = 5}));
  EXPECT_EQ(find_batch({0, 4}, 97, 1, 4), std::nullopt);
}

}  // namespace
}  // namespace morph::onnx
