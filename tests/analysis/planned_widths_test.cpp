#include "morph/analysis/planned_widths.h"

#include <string>
#include <vector>

#include "analyzed.h"
#include "expect_error.h"
#include "random_graph.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace morph {
namespace {

using Counts = std::vector<int64_t>;

constexpr const char* kBlock = R"(
x = Input() shape=[1, 3, 8, 8]
stem = Conv(x; weight=[4, 3, 1, 1])
a = Conv(stem; weight=[6, 4, 1, 1])
b = Conv(a; weight=[4, 6, 1, 1])
sum = Add(stem, b)
head = Conv(sum; weight=[2, 4, 1, 1])
return head
)";

constexpr const char* kTower = R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[2, 3, 1, 1])
b = Conv(x; weight=[3, 3, 1, 1])
cat = Concat(a, b) axis=1
c = Conv(x; weight=[5, 3, 1, 1])
sum = Add(cat, c)
head = Conv(sum; weight=[2, 5, 1, 1])
return head
)";

/// How often each channel of a layer is taken.
Counts copies_of(const Analyzed& net,
                 std::string_view layer,
                 const AliveCounts& counts,
                 const WidthOptions& options = {}) {
  const std::vector<int64_t> copies = copies_for_counts(net.graph, net.groups, counts, options);
  Counts result;
  for (const ChannelId set : net.made(layer)) result.push_back(copies[static_cast<size_t>(set)]);
  return result;
}

TEST(CopiesForCounts, KeepsTheFirstChannelsWhereNothingTellsThemApart) {
  const Analyzed net(kBlock);
  EXPECT_EQ(copies_of(net, "a", {{"a", 2}}), (Counts{1, 1, 0, 0, 0, 0}));
  EXPECT_EQ(copies_of(net, "stem", {{"a", 2}}), (Counts{1, 1, 1, 1}));
}

TEST(CopiesForCounts, KeepsTheStrongestChannelsWhereTheyAreKnown) {
  const Analyzed net(kBlock);
  const WidthOptions options{.strengths = [&](const ChannelGroups& groups) {
    std::vector<double> strengths(static_cast<size_t>(groups.set_count()), 0);
    strengths[static_cast<size_t>(groups.made_by(net.id("a"))[5])] = 2;
    strengths[static_cast<size_t>(groups.made_by(net.id("a"))[3])] = 1;
    return strengths;
  }};
  EXPECT_EQ(copies_of(net, "a", {{"a", 2}}, options), (Counts{0, 0, 0, 1, 0, 1}));
}

TEST(CopiesForCounts, TiedLayersFollowTheOneThatIsNamed) {
  const Analyzed net(kBlock);
  EXPECT_EQ(copies_of(net, "stem", {{"b", 3}}), (Counts{1, 1, 1, 0}));
  EXPECT_EQ(copies_of(net, "stem", {{"b", 3}, {"stem", 3}}), (Counts{1, 1, 1, 0}));
}

TEST(CopiesForCounts, CountsThatContradictEachOtherAreRefused) {
  const Analyzed net(kBlock);
  EXPECT_ERROR(copies_of(net, "stem", {{"b", 3}, {"stem", 2}}),
               "structure: 'b' is to have 3 channels, which does not go with those of 'stem', "
               "which it is tied to");
  const Analyzed tower(kTower);
  EXPECT_ERROR(copies_of(tower, "c", {{"a", 1}, {"b", 2}, {"c", 4}}),
               "'b' is to have 2 channels, which does not go with those of 'c'");
  EXPECT_ERROR(copies_of(tower, "c", {{"b", 2}, {"c", 1}}), "'c' is to have 1 channels");
}

TEST(CopiesForCounts, PartsOfAConcatComeBeforeWhatIsAddedToTheWhole) {
  const Analyzed net(kTower);
  EXPECT_EQ(copies_of(net, "c", {{"a", 1}, {"b", 2}, {"c", 3}}), (Counts{1, 0, 1, 1, 0}));
  EXPECT_EQ(copies_of(net, "c", {{"a", 0}, {"c", 3}}), (Counts{0, 0, 1, 1, 1}));
  EXPECT_EQ(copies_of(net, "c", {{"c", 3}}), (Counts{1, 1, 1, 0, 0}));
}

TEST(CopiesForCounts, ChannelsOfGroupsComeAndGoTogether) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[4, 3, 1, 1])
g = Conv(a; weight=[6, 2, 1, 1]) group=2
head = Conv(g; weight=[2, 6, 1, 1])
return head
)");
  EXPECT_EQ(copies_of(net, "g", {{"g", 4}}), (Counts{1, 1, 0, 1, 1, 0}));
  EXPECT_ERROR(copies_of(net, "g", {{"g", 3}}),
               "'g' cannot have 3 channels: its channels come and go several at a time");
}

TEST(CopiesForCounts, GoldenC1CountsAboveTheWidthTakeChannelsAgain) {
  const Analyzed net(kBlock);
  EXPECT_EQ(copies_of(net, "a", {{"a", 15}}), (Counts{3, 3, 3, 2, 2, 2}));
}

TEST(CopiesForCounts, GoldenC5MissingNamesAreKeptRefusedOrZero) {
  const Analyzed net(kBlock);
  EXPECT_EQ(copies_of(net, "stem", {{"a", 3}}), (Counts{1, 1, 1, 1}));
  EXPECT_ERROR(copies_of(net, "stem", {{"a", 3}}, {.missing = MissingLayers::kRefuse}),
               "the structure does not name the layer 'stem'");
  EXPECT_EQ(copies_of(net, "stem", {{"a", 3}}, {.missing = MissingLayers::kZero}),
            (Counts{0, 0, 0, 0}));
  // What is tied to a named layer is decided.
  EXPECT_EQ(copies_of(net, "stem", {{"b", 3}}, {.missing = MissingLayers::kZero}),
            (Counts{1, 1, 1, 0}));
  EXPECT_EQ(copies_of(net, "head", {{"b", 3}}, {.missing = MissingLayers::kZero}),
            (Counts{1, 1}));  // A network output that this analysis pins.
}

TEST(CopiesForCounts, GoldenC12KeepFirstLiftsZeroToOne) {
  const Analyzed net(kBlock);
  EXPECT_EQ(copies_of(net, "a", {{"a", 0}}), (Counts{0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(copies_of(net, "a", {{"a", 0}}, {.keep_first = true}), (Counts{1, 0, 0, 0, 0, 0}));
}

TEST(CopiesForCounts, PinnedChannelsCannotGo) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[4, 3, 1, 1])
last = Slice(a) axes=[1] starts=[2] ends=[4]
p = Softmax(last) axis=1
head = Conv(a; weight=[2, 4, 1, 1])
return p, head
)");
  EXPECT_EQ(copies_of(net, "a", {{"a", 3}}), (Counts{1, 0, 1, 1}));
  EXPECT_ERROR(copies_of(net, "a", {{"a", 0}}),
               "'a' cannot have only 0 channels: Softmax over channels in 'p'");
}

TEST(PlanWidths, ReadsEitherKindOfFile) {
  const Analyzed net(kBlock);
  const PlannedWidths counted =
      plan_widths(net.graph, nlohmann::json{{"a/Conv2D", 2}, {"head", 1}});
  EXPECT_FALSE(counted.widens());
  const auto alive_in = [&](const PlannedWidths& plan, const char* layer) {
    int64_t count = 0;
    for (const ChannelId set : plan.groups.made_by(net.id(layer))) {
      count += plan.alive()[static_cast<size_t>(set)] ? 1 : 0;
    }
    return count;
  };
  EXPECT_EQ(alive_in(counted, "a"), 2);
  EXPECT_EQ(alive_in(counted, "head"), 1);  // Counts may change an output.

  const nlohmann::json ours = {
      {"format", "morphnet-structure"}, {"version", 1}, {"layers", {{"a", {{"mask", "000110"}}}}}};
  const PlannedWidths masked = plan_widths(net.graph, ours);
  EXPECT_EQ(alive_in(masked, "a"), 2);
  EXPECT_EQ(alive_in(masked, "stem"), 4);
  EXPECT_ERROR(plan_widths(net.graph, ours, {.missing = MissingLayers::kRefuse}),
               "the structure does not name the layer 'stem'");
  EXPECT_EQ(alive_in(plan_widths(net.graph, ours, {.missing = MissingLayers::kZero}), "stem"), 0);
  EXPECT_TRUE(plan_widths(net.graph, nlohmann::json{{"a", 7}}).widens());
}

TEST(PlanWidths, CountsOfAStructureAreMetOnRandomGraphs) {
  int refused = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const Graph graph = random_graph(seed);
    const ChannelGroups groups = find_channel_groups(graph);
    const Structure structure =
        make_structure(graph, groups, random_alive(graph, groups, seed + 1));
    const AliveCounts counts = alive_counts(graph, groups, structure);
    PlannedWidths plan;
    try {
      plan = plan_widths(graph, nlohmann::json(counts), {.missing = MissingLayers::kRefuse});
    } catch (const Error&) {
      ++refused;  // Layers share parts of their channels, and counts do not say how many of which.
      continue;
    }
    EXPECT_EQ(alive_counts(graph, plan.groups, make_structure(graph, plan.groups, plan.alive())),
              counts);
  }
  EXPECT_LE(refused, 10);
}

}  // namespace
}  // namespace morph
