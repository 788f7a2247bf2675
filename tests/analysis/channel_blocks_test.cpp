#include "morph/analysis/channel_blocks.h"

#include <numeric>
#include <string>
#include <vector>

#include "analyzed.h"
#include "expect_error.h"
#include "random_graph.h"
#include <gtest/gtest.h>

namespace morph {
namespace {

using Counts = std::vector<BlockCount>;

TEST(ChannelBlocks, OfAChain) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 4, 4]
a = Conv(x; weight=[5, 3, 1, 1])
r = Relu(a)
dw = Conv(r; weight=[10, 1, 3, 3]) group=5 pads=[1, 1, 1, 1]
flat = Flatten(dw)
fc = Gemm(flat; weight=[2, 160])
return fc
)");
  const ChannelBlocks blocks = find_channel_blocks(net.graph, net.groups);
  ASSERT_EQ(blocks.count(), 3U);
  EXPECT_EQ(blocks.sets[0], (std::vector<ChannelId>{0, 1, 2}));
  EXPECT_EQ(blocks.sets[1], (std::vector<ChannelId>{3, 4, 5, 6, 7}));
  EXPECT_EQ(blocks.sets[2], (std::vector<ChannelId>{8, 9}));
  EXPECT_EQ(blocks.pinned, (std::vector<bool>{true, false, true}));
  EXPECT_EQ(blocks.block_of, (std::vector<int32_t>{0, 0, 0, 1, 1, 1, 1, 1, 2, 2}));

  const auto in = [&](const char* name) { return blocks.in[index(net.id(name))]; };
  const auto out = [&](const char* name) { return blocks.out[index(net.id(name))]; };
  EXPECT_EQ(in("x"), Counts{});
  EXPECT_EQ(out("x"), (Counts{{.block = 0, .positions = 1}}));
  EXPECT_EQ(in("a"), (Counts{{.block = 0, .positions = 1}}));
  EXPECT_EQ(out("a"), (Counts{{.block = 1, .positions = 1}}));
  EXPECT_EQ(in("r"), (Counts{{.block = 1, .positions = 1}}));
  EXPECT_EQ(in("dw"), (Counts{{.block = 1, .positions = 1}}));
  EXPECT_EQ(out("dw"), (Counts{{.block = 1, .positions = 2}}));
  EXPECT_EQ(in("fc"), (Counts{{.block = 1, .positions = 32}}));  // Twice 4 · 4 pixels.
  EXPECT_EQ(out("fc"), (Counts{{.block = 2, .positions = 1}}));
}

TEST(ChannelBlocks, ConcatReadsBothAndAddOfTheSumReadsOne) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[2, 3, 1, 1])
b = Conv(x; weight=[3, 3, 1, 1])
cat = Concat(a, b) axis=1
c = Conv(x; weight=[5, 3, 1, 1])
sum = Add(cat, c)
head = Conv(sum; weight=[2, 5, 1, 1])
return head
)");
  const ChannelBlocks blocks = find_channel_blocks(net.graph, net.groups);
  ASSERT_EQ(blocks.count(), 4U);
  const Counts both = {{.block = 1, .positions = 1}, {.block = 2, .positions = 1}};
  EXPECT_EQ(blocks.out[index(net.id("c"))], both);
  EXPECT_EQ(blocks.in[index(net.id("head"))], both);
  EXPECT_EQ(blocks.out[index(net.id("a"))], (Counts{{.block = 1, .positions = 1}}));
}

TEST(ChannelBlocks, ChannelsThatOneReaderLeavesOutAreApart) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[6, 3, 1, 1])
part = Slice(a) axes=[1] starts=[0] ends=[2]
b = Conv(part; weight=[1, 2, 1, 1])
c = Conv(a; weight=[1, 6, 1, 1])
sum = Add(b, c)
return sum
)");
  const ChannelBlocks blocks = find_channel_blocks(net.graph, net.groups);
  EXPECT_EQ(blocks.in[index(net.id("b"))], (Counts{{.block = 1, .positions = 1}}));
  EXPECT_EQ(blocks.in[index(net.id("c"))],
            (Counts{{.block = 1, .positions = 1}, {.block = 2, .positions = 1}}));
  EXPECT_EQ(blocks.sets[1].size(), 2U);
  EXPECT_EQ(blocks.sets[2].size(), 4U);
}

/// How often each set occurs in `ids`.
std::vector<int64_t> occurrences(const std::vector<ChannelId>& ids, size_t sets) {
  std::vector<int64_t> counts(sets, 0);
  for (const ChannelId id : ids) ++counts[static_cast<size_t>(id)];
  return counts;
}

TEST(ChannelBlocks, OnRandomGraphsSetsOfABlockOccurEquallyOftenEverywhere) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = random_graph(seed);
    const ChannelGroups groups = find_channel_groups(graph);
    const ChannelBlocks blocks = find_channel_blocks(graph, groups);
    const auto sets = static_cast<size_t>(groups.set_count());
    ASSERT_EQ(blocks.block_of.size(), sets);
    ASSERT_EQ(blocks.pinned.size(), blocks.count());
    for (ChannelId set = 0; set < groups.set_count(); ++set) {
      const auto block = static_cast<size_t>(blocks.block_of[static_cast<size_t>(set)]);
      EXPECT_EQ(groups.pinned(set).has_value(), blocks.pinned[block]);
    }
    for (const NodeId id : graph.ids()) {
      const std::vector<int64_t> counts = occurrences(groups.channels(id).ids, sets);
      std::vector<int64_t> expected(sets, 0);
      for (const BlockCount& count : blocks.out[index(id)]) {
        for (const ChannelId set : blocks.sets[static_cast<size_t>(count.block)]) {
          expected[static_cast<size_t>(set)] = count.positions;
        }
      }
      EXPECT_EQ(counts, expected) << graph[id].label();
    }
  }
}

/// The sizes of the pieces into which the sum of several concatenations falls, each given by the
/// widths of its parts.
std::vector<int64_t> pieces_of_sum(const std::vector<std::vector<int64_t>>& partitions) {
  std::string text = "x = Input() shape=[1, 3, 8, 8]\n";
  std::string sum;
  for (size_t p = 0; p < partitions.size(); ++p) {
    std::string parts;
    for (size_t i = 0; i < partitions[p].size(); ++i) {
      const std::string name = cat("c", p, "_", i);
      text += cat(name, " = Conv(x; weight=[", partitions[p][i], ", 3, 1, 1])\n");
      parts += (i > 0 ? ", " : "") + name;
    }
    text += cat("cat", p, " = Concat(", parts, ") axis=1\n");
    sum += (p > 0 ? ", " : "") + cat("cat", p);
  }
  const char* op = partitions.size() > 1 ? "Add" : "Relu";
  text += cat("sum = ", op, "(", sum, ")\npool = GlobalAveragePool(sum)\n");
  const int64_t width = std::accumulate(partitions[0].begin(), partitions[0].end(), int64_t{0});
  text += cat("head = Conv(pool; weight=[2, ", width, ", 1, 1])\nreturn head\n");
  const Analyzed net(text);
  const ChannelBlocks blocks = find_channel_blocks(net.graph, net.groups);
  std::vector<int64_t> sizes;
  for (const BlockCount& count : blocks.out[index(net.id("sum"))]) {
    sizes.push_back(static_cast<int64_t>(blocks.sets[static_cast<size_t>(count.block)].size()));
  }
  return sizes;
}

TEST(ChannelBlocks, GoldenS19SumOfConcatsFallsIntoTheCommonRefinement) {
  using Sizes = std::vector<int64_t>;
  EXPECT_EQ(pieces_of_sum({{5, 4, 2, 7}, {9, 4, 5}, {18}}), (Sizes{5, 4, 2, 2, 5}));
  EXPECT_EQ(pieces_of_sum({{1, 2, 3, 4, 5}, {5, 4, 3, 2, 1}}), (Sizes{1, 2, 2, 1, 3, 1, 2, 2, 1}));
  EXPECT_EQ(pieces_of_sum({{5}, {1, 1, 1, 1, 1}}), (Sizes{1, 1, 1, 1, 1}));
  EXPECT_EQ(pieces_of_sum({{10}}), Sizes{10});
  EXPECT_ERROR(pieces_of_sum({{1, 2}, {4}}), "[sum: Add]");
}

}  // namespace
}  // namespace morph
