#include "morph/base/random.h"

#include <algorithm>
#include <array>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace morph {
namespace {

TEST(Random, GivesTheSequenceOfThePublishedGenerator) {
  // The first outputs of SplitMix64 for this seed, as printed by Vigna's reference program.
  Random random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317U);
  EXPECT_EQ(random.next(), 3203168211198807973U);
  EXPECT_EQ(random.next(), 9817491932198370423U);
}

TEST(Random, GoesOnFromItsState) {
  Random random(3);
  random.next();
  Random resumed(random.state());
  EXPECT_EQ(resumed.next(), random.next());
}

TEST(Random, IsUniformInTheUnitInterval) {
  Random random(1);
  std::array<int, 4> counts{};
  constexpr int kDraws = 40000;
  for (int i = 0; i < kDraws; ++i) {
    const double value = random.uniform();
    ASSERT_GE(value, 0);
    ASSERT_LT(value, 1);
    ++counts[static_cast<size_t>(value * 4)];
  }
  // Binomial(40000, 1/4) has a standard deviation of 87; five of them are 433.
  for (const int count : counts) EXPECT_NEAR(count, 10000, 433);
}

TEST(Random, DrawsBelowABound) {
  Random random(2);
  std::set<int64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(random.below(3));
  EXPECT_THAT(seen, ::testing::ElementsAre(0, 1, 2));
  EXPECT_EQ(random.below(1), 0);
}

TEST(Random, ChanceOfZeroAndOneIsCertain) {
  Random random(4);
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(random.chance(0));
    EXPECT_TRUE(random.chance(1));
  }
}

TEST(Shuffle, PermutesAndIsAFunctionOfTheSeed) {
  std::vector<int> items(100);
  for (size_t i = 0; i < items.size(); ++i) items[i] = static_cast<int>(i);
  const std::vector<int> sorted = items;
  Random first(5);
  shuffle(items, first);
  EXPECT_NE(items, sorted);
  std::vector<int> again = sorted;
  Random second(5);
  shuffle(again, second);
  EXPECT_EQ(again, items);
  std::sort(items.begin(), items.end());
  EXPECT_EQ(items, sorted);
}

TEST(Shuffle, GivesEveryOrder) {
  Random random(6);
  std::set<std::vector<int>> orders;
  for (int i = 0; i < 200; ++i) {
    std::vector<int> items = {0, 1, 2};
    shuffle(items, random);
    orders.insert(items);
  }
  EXPECT_EQ(orders.size(), 6U);
}

TEST(MixSeeds, TellsOrderAndValuesApart) {
  std::set<uint64_t> seeds;
  for (uint64_t a = 0; a < 50; ++a) {
    for (uint64_t b = 0; b < 50; ++b) seeds.insert(mix_seeds(a, b));
  }
  EXPECT_EQ(seeds.size(), 2500U);
}

}  // namespace
}  // namespace morph
