#include "morph/base/union_find.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "morph/base/random.h"

namespace morph {
namespace {

UnionFind of_size(int32_t size) {
  UnionFind sets;
  for (int32_t i = 0; i < size; ++i) EXPECT_EQ(sets.add(), i);
  return sets;
}

TEST(UnionFind, BeginsWithSingleElements) {
  const UnionFind sets = of_size(3);
  EXPECT_EQ(sets.size(), 3);
  for (int32_t i = 0; i < 3; ++i) EXPECT_EQ(sets.find(i), i);
}

TEST(UnionFind, RepresentsASetByItsSmallestMember) {
  UnionFind sets = of_size(6);
  sets.unite(5, 3);
  EXPECT_EQ(sets.find(5), 3);
  sets.unite(4, 1);
  sets.unite(5, 4);
  for (const int32_t member : {1, 3, 4, 5}) EXPECT_EQ(sets.find(member), 1);
  EXPECT_EQ(sets.find(0), 0);
  EXPECT_EQ(sets.find(2), 2);
  sets.unite(3, 3);
  EXPECT_EQ(sets.find(3), 1);
}

TEST(UnionFind, GrowsAfterUnions) {
  UnionFind sets = of_size(2);
  sets.unite(0, 1);
  const int32_t added = sets.add();
  EXPECT_EQ(sets.find(added), added);
  sets.unite(added, 1);
  EXPECT_EQ(sets.find(added), 0);
}

TEST(UnionFind, AgreesWithColouringWhateverTheOrder) {
  constexpr int32_t kSize = 200;
  Random random(1);
  for (int round = 0; round < 20; ++round) {
    UnionFind sets = of_size(kSize);
    std::vector<int32_t> colours(kSize);
    for (int32_t i = 0; i < kSize; ++i) colours[static_cast<size_t>(i)] = i;
    for (int i = 0; i < 150; ++i) {
      const auto a = static_cast<int32_t>(random.below(kSize));
      const auto b = static_cast<int32_t>(random.below(kSize));
      sets.unite(a, b);
      const int32_t from = colours[static_cast<size_t>(a)];
      std::replace(colours.begin(), colours.end(), from, colours[static_cast<size_t>(b)]);
    }
    for (int32_t i = 0; i < kSize; ++i) {
      const auto first = std::find(colours.begin(), colours.end(), colours[static_cast<size_t>(i)]);
      EXPECT_EQ(sets.find(i), first - colours.begin());
    }
  }
}

}  // namespace
}  // namespace morph
