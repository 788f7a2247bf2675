#include "morph/ops/reduction.h"

#include "ops/chain.h"

namespace morph {
namespace {

Node reduction(const std::string& op, Ints axes, int64_t keepdims = 1) {
  return {.name = "r", .op = op, .attrs = {{"axes", axes}, {"keepdims", Ints{keepdims}}}};
}

const std::vector<std::string> kReductions = {
    "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"};

TEST(Reduction, KeepsOrDropsAxes) {
  for (const std::string& op : kReductions) {
    EXPECT_EQ(shape_of(reduction(op, {2, 3}), {{1, 3, 4, 5}}), (Shape{1, 3, 1, 1}));
    EXPECT_EQ(shape_of(reduction(op, {-1, 2}, 0), {{1, 3, 4, 5}}), (Shape{1, 3}));
  }
  const Node nothing{.name = "r", .op = "ReduceSum", .attrs = {{"noop_with_empty_axes", Ints{1}}}};
  EXPECT_EQ(shape_of(nothing, {{1, 3}}), (Shape{1, 3}));
}

TEST(Reduction, OverSpaceHandsChannelsOn) {
  for (const std::string& op : kReductions) {
    Chain chain;
    const Value x = chain.value({1, 3, 4, 5});
    const Value y = chain.apply(reduction(op, {2, 3}, 0), {x});
    EXPECT_EQ(y.channels, Channels::along(2, 1, {0, 1, 2})) << op;
    EXPECT_TRUE(chain.flow.pins().empty() && chain.notes.reads.empty());
  }
}

TEST(Reduction, OverChannelsReadsOrPinsThem) {
  for (const std::string& op : kReductions) {
    const bool sums = op == "ReduceSum" || op == "ReduceL2";
    Chain chain;
    const Value x = chain.value({1, 2, 4, 4});
    const Value y = chain.apply(reduction(op, {1}), {x});
    EXPECT_EQ(y.channels, Channels::uniform(4, 2)) << op;
    EXPECT_EQ(chain.notes.reads, sums ? (Ids{0, 1}) : Ids{}) << op;
    EXPECT_EQ(chain.reason(0), sums ? "" : op + " over channels in 'r'");
    EXPECT_EQ(chain.reason(2), "");
  }
}

// Split attention adds branches [N, branch, C, 1, 1]: a channel goes in all branches or in none.
TEST(Reduction, OfBranchesTiesTheirChannels) {
  Chain chain;
  const Value x = chain.value({1, 4, 2, 2});
  const Value split =
      chain.apply({.name = "s", .op = "Reshape", .attrs = {{"shape", Ints{0, 2, 2, 2, 2}}}}, {x});
  const Value y = chain.apply(reduction("ReduceMean", {1}, 0), {split});
  EXPECT_EQ(y.shape, (Shape{1, 2, 2, 2}));
  EXPECT_EQ(y.channels, Channels::along(4, 1, {0, 1}));
  EXPECT_TRUE(chain.tied(0, 2) && chain.tied(1, 3));
  EXPECT_FALSE(chain.tied(0, 1));
}

TEST(Reduction, PinsASingleChannelItReduces) {
  Chain chain;
  const Value x = chain.uniform({1, 1, 4, 4});
  chain.apply(reduction("ReduceMax", {1}), {x});
  EXPECT_EQ(chain.reason(0), "ReduceMax over channels in 'r'");
}

TEST(Reduction, RefusesTheBatch) {
  EXPECT_ERROR(shape_of({.name = "r", .op = "ReduceMean"}, {{1, 3}}),
               "[r: ReduceMean] without 'axes' reduces all of them, and axis 0 is the batch");
  EXPECT_ERROR(shape_of(reduction("ReduceMean", {0}), {{1, 3}}), "axis 0 is the batch");
  EXPECT_ERROR(shape_of(reduction("ReduceMean", {2}), {{1, 3}}), "outside an input of rank 2");
}

}  // namespace
}  // namespace morph
