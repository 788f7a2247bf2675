#include "morph/data/augment.h"

#include <algorithm>
#include <array>
#include <set>

#include "expect_error.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace morph {
namespace {

using testing::FloatEq;
using testing::Pointwise;

constexpr ImageShape kShape{.channels = 1, .height = 2, .width = 3};
// 0.2 0.4 0.6
// 0.8 1.0 0.0
constexpr std::array<uint8_t, 6> kImage = {51, 102, 153, 204, 255, 0};

std::vector<float> written(const View& view) {
  std::vector<float> out(6, -1);
  PixelWriter(kShape, {}).write(kImage, view, out);
  return out;
}

TEST(PixelWriterTest, ScalesToOne) {
  EXPECT_THAT(written({}), Pointwise(FloatEq(), {0.2F, 0.4F, 0.6F, 0.8F, 1.0F, 0.0F}));
}

TEST(PixelWriterTest, Mirrors) {
  EXPECT_THAT(written({.mirrored = true}),
              Pointwise(FloatEq(), {0.6F, 0.4F, 0.2F, 0.0F, 1.0F, 0.8F}));
}

TEST(PixelWriterTest, ShiftsAndPadsWithZeros) {
  EXPECT_THAT(written({.down = 1}), Pointwise(FloatEq(), {0.8F, 1.0F, 0.0F, 0.F, 0.F, 0.F}));
  EXPECT_THAT(written({.down = -1}), Pointwise(FloatEq(), {0.F, 0.F, 0.F, 0.2F, 0.4F, 0.6F}));
  EXPECT_THAT(written({.right = 1}), Pointwise(FloatEq(), {0.4F, 0.6F, 0.F, 1.0F, 0.F, 0.F}));
  EXPECT_THAT(written({.right = -2}), Pointwise(FloatEq(), {0.F, 0.F, 0.2F, 0.F, 0.F, 0.8F}));
  // Mirrored first: 0.6 0.4 0.2 / 0.0 1.0 0.8.
  EXPECT_THAT(written({.right = 1, .mirrored = true}),
              Pointwise(FloatEq(), {0.4F, 0.2F, 0.F, 1.0F, 0.8F, 0.F}));
}

TEST(PixelWriterTest, AShiftBeyondTheImageShowsPaddingOnly) {
  EXPECT_THAT(written({.right = 5}), testing::Each(0.F));
  EXPECT_THAT(written({.right = -5}), testing::Each(0.F));
  EXPECT_THAT(written({.down = 7}), testing::Each(0.F));
}

TEST(PixelWriterTest, NormalisesByChannelPaddingIncluded) {
  const PixelWriter writer({.channels = 2, .height = 1, .width = 2},
                           {.mean = {0.2, 0.5}, .stddev = {0.4, 0.25}});
  std::vector<float> out(4);
  const std::array<uint8_t, 4> image = {51, 153, 0, 255};
  writer.write(image, {.right = 1}, out);
  // (0.6-0.2)/0.4 = 1, padding (0-0.2)/0.4 = -1/2; (1-0.5)/0.25 = 2, padding -2.
  EXPECT_THAT(out, Pointwise(FloatEq(), {1.F, -0.5F, 2.F, -2.F}));
}

TEST(PixelWriterTest, RefusesANormalisationThatDoesNotFit) {
  EXPECT_ERROR(PixelWriter(kShape, {.mean = {0, 0}, .stddev = {1, 1}}),
               "for each of 1 channels, got 2 and 2");
  EXPECT_ERROR(PixelWriter(kShape, {.mean = {0}, .stddev = {0}}), "deviations above 0, got 0");
}

TEST(DrawViewTest, WithoutAugmentationNothingMoves) {
  Random random(1);
  const View view = draw_view({}, random);
  EXPECT_EQ(view.down, 0);
  EXPECT_EQ(view.right, 0);
  EXPECT_FALSE(view.mirrored);
}

TEST(DrawViewTest, ShiftsAndFlipsAreUniform) {
  constexpr int64_t kDraws = 9000;
  std::array<int, 9> down{};
  std::array<int, 9> right{};
  int mirrored = 0;
  for (int64_t i = 0; i < kDraws; ++i) {
    Random random = example_random(7, 3, i);
    const View view = draw_view({.crop_padding = 4, .flip = true}, random);
    ASSERT_LE(std::abs(view.down), 4);
    ASSERT_LE(std::abs(view.right), 4);
    ++down[static_cast<size_t>(view.down + 4)];
    ++right[static_cast<size_t>(view.right + 4)];
    mirrored += view.mirrored ? 1 : 0;
  }
  // Binomial with 9000 draws: 1000 ± 30 of each shift and 4500 ± 47 flips; five deviations allowed.
  for (const int count : down) EXPECT_NEAR(count, 1000, 150);
  for (const int count : right) EXPECT_NEAR(count, 1000, 150);
  EXPECT_NEAR(mirrored, 4500, 237);
}

TEST(ExampleRandomTest, StreamsDifferBySeedEpochAndPosition) {
  std::set<uint64_t> first;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    for (int64_t epoch = 0; epoch < 10; ++epoch) {
      for (int64_t position = 0; position < 100; ++position) {
        first.insert(example_random(seed, epoch, position).next());
      }
    }
  }
  EXPECT_EQ(first.size(), 10000U);
}

TEST(ShuffledOrderTest, IsAPermutationThatDependsOnSeedAndEpoch) {
  std::vector<int64_t> order = shuffled_order(100, 1, 0);
  EXPECT_EQ(order, shuffled_order(100, 1, 0));
  EXPECT_NE(order, shuffled_order(100, 1, 1));
  EXPECT_NE(order, shuffled_order(100, 2, 0));
  std::ranges::sort(order);
  for (int64_t i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

}  // namespace
}  // namespace morph
