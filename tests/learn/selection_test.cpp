#include "morph/learn/selection.h"

#include <memory>
#include <string>

#include "expect_error.h"
#include "graph_text.h"
#include "random_graph.h"

#include "morph/base/random.h"
#include "morph/cost/network_cost.h"
#include "morph/transform/shrink.h"

namespace morph {
namespace {

/// A graph whose layers have the given values; layers that are not named are not removable.
struct Choice {
  Choice(std::string_view body,
         const std::map<std::string, std::vector<double>>& layers,
         const ChannelScope& scope = {})
      : graph(graph_of(body)), groups(find_channel_groups(graph, scope)) {
    const auto count = static_cast<size_t>(groups.set_count());
    candidates = {.values = std::vector<double>(count, 0),
                  .removable = std::vector<bool>(count, false)};
    for (const auto& [name, values] : layers) {
      const auto& made = groups.made_by(graph.find(name).value());
      for (size_t i = 0; i < made.size(); ++i) {
        candidates.values[static_cast<size_t>(made[i])] = values.at(i);
        candidates.removable[static_cast<size_t>(made[i])] = true;
      }
    }
  }

  Selection select(const std::map<std::string, double>& budgets, double floor = 0) const {
    return select_channels(graph, groups, candidates, limits(budgets), floor);
  }

  static std::vector<Limit> limits(const std::map<std::string, double>& budgets) {
    std::vector<Limit> result;
    for (const auto& [cost, amount] : budgets) result.push_back({make_cost_model(cost), amount});
    return result;
  }

  /// "0101": which channels of a layer live.
  std::string mask(const std::vector<bool>& alive, const char* layer) const {
    std::string text;
    for (const ChannelId set : groups.made_by(graph.find(layer).value())) {
      text += alive[static_cast<size_t>(set)] ? '1' : '0';
    }
    return text;
  }

  Graph graph;
  ChannelGroups groups;
  Candidates candidates;
};

/// With a channels in the first layer and b in the second it costs 2 (a + ab + b) FLOPs.
Choice chain() {
  return Choice(R"(
x = Input() shape=[1, 1, 1, 1]
a = Conv(x; weight=[4, 1, 1, 1])
b = Conv(a; weight=[6, 4, 1, 1])
head = Conv(b; weight=[1, 6, 1, 1])
return head
)",
                {{"a", {0.4, 0.1, 0.3, 0.2}}, {"b", {0.15, 0.25, 0.35, 0.45, 0.55, 0.65}}});
}

TEST(SelectChannels, CutsTheWeakestUntilTheLimitHoldsThenFillsTheRoom) {
  // 4 and 6 channels cost 68; 3 and 6: 54; 3 and 5: 46; 2 and 5: 34; then b's channel of 0.15 comes
  // back: 2 and 6 cost 40.
  const Choice choice = chain();
  const Selection selection = choice.select({{"flops", 40}});
  EXPECT_EQ(selection.threshold, 0.2);
  EXPECT_EQ(choice.mask(selection.alive, "a"), "1010");
  EXPECT_EQ(choice.mask(selection.alive, "b"), "111111");
  EXPECT_EQ(network_cost(shrink(choice.graph, choice.groups, selection.alive).graph,
                         *make_cost_model("flops")),
            40);
}

TEST(SelectChannels, JustUnderTheLimitNothingComesBack) {
  const Choice choice = chain();
  const Selection selection = choice.select({{"flops", 39}});
  EXPECT_EQ(choice.mask(selection.alive, "a"), "1010");
  EXPECT_EQ(choice.mask(selection.alive, "b"), "011111");
}

TEST(SelectChannels, NothingIsCutThatNeedNotBe) {
  const Choice choice = chain();
  const Selection selection = choice.select({{"flops", 68}});
  EXPECT_EQ(choice.mask(selection.alive, "a"), "1111");
  EXPECT_EQ(choice.mask(selection.alive, "b"), "111111");
  EXPECT_EQ(selection.threshold, 0);
}

TEST(SelectChannels, MeetsEveryLimit) {
  // Half as many parameters as FLOPs: 2 and 5 have 17; 2 and 4: 14; 1 and 4: 9; 1 and 5: 11.
  const Choice choice = chain();
  const Selection selection = choice.select({{"flops", 40}, {"params", 12}});
  EXPECT_EQ(selection.threshold, 0.3);
  EXPECT_EQ(choice.mask(selection.alive, "a"), "1000");
  EXPECT_EQ(choice.mask(selection.alive, "b"), "011111");
}

TEST(SelectChannels, WithoutLimitsTheFloorDecides) {
  const Choice choice = chain();
  const Selection selection = choice.select({}, 0.3);
  EXPECT_EQ(selection.threshold, 0.3);
  EXPECT_EQ(choice.mask(selection.alive, "a"), "1000");
  EXPECT_EQ(choice.mask(selection.alive, "b"), "001111");
}

TEST(SelectChannels, TheNetworkStaysConnected) {
  const Choice choice = chain();
  const Selection selection = choice.select({}, 0.5);
  EXPECT_EQ(choice.mask(selection.alive, "a"), "1000");
  EXPECT_EQ(choice.mask(selection.alive, "b"), "000011");
}

TEST(SelectChannels, SmallestNetworkIsReached) {
  const Choice choice = chain();
  const Selection selection = choice.select({{"flops", 6}});
  EXPECT_EQ(choice.mask(selection.alive, "a"), "1000");
  EXPECT_EQ(choice.mask(selection.alive, "b"), "000001");
}

TEST(SelectChannels, ImpossibleBudgetNamesTheNearest) {
  const Choice choice = chain();
  EXPECT_ERROR(choice.select({{"flops", 5}}),
               "budget flops=5 cannot be reached: the nearest is 6 FLOPs (0.0882353x), with every "
               "channel removed that may be");
  EXPECT_ERROR(check_reachable(
                   choice.graph, choice.groups, choice.candidates, Choice::limits({{"params", 2}})),
               "budget params=2 cannot be reached: the nearest is 3 parameters");
}

TEST(SelectChannels, WhatIsNotRemovableStays) {
  const Choice choice(R"(
x = Input() shape=[1, 1, 1, 1]
a = Conv(x; weight=[4, 1, 1, 1])
b = Conv(a; weight=[6, 4, 1, 1])
head = Conv(b; weight=[1, 6, 1, 1])
return head
)",
                      {{"a", {0.4, 0.1, 0.3, 0.2}}});
  const Selection selection = choice.select({{"flops", 40}});
  EXPECT_EQ(choice.mask(selection.alive, "a"), "1010");
  EXPECT_EQ(choice.mask(selection.alive, "b"), "111111");
  EXPECT_ERROR(choice.select({{"flops", 25}}), "the nearest is 26 FLOPs");
}

/// A residual block of one inner channel, before a wide layer: a channel of the trunk is dear.
Choice residual() {
  return Choice(R"(
x = Input() shape=[1, 1, 1, 1]
stem = Conv(x; weight=[4, 1, 1, 1])
inner = Conv(stem; weight=[1, 4, 1, 1])
outer = Conv(inner; weight=[4, 1, 1, 1])
sum = Add(outer, stem)
head = Conv(sum; weight=[100, 4, 1, 1])
return head
)",
                {{"stem", {0.2, 0.3, 0.4, 0.5}}, {"inner", {0.1}}});
}

TEST(SelectChannels, ABlockMayVanishAndDoesNotComeBackForOneChannel) {
  // Without the block 4 channels cost 808, 3 cost 606; with it 3 would cost 618.
  const Choice choice = residual();
  const Selection selection = choice.select({{"flops", 700}});
  EXPECT_EQ(choice.mask(selection.alive, "inner"), "0");
  EXPECT_EQ(choice.mask(selection.alive, "stem"), "0111");
}

TEST(KeepConnected, BringsBackOnlyWhatItTakes) {
  const Choice choice = residual();
  const std::vector<bool> none_left = [&] {
    std::vector<bool> alive(choice.candidates.removable.size());
    for (size_t i = 0; i < alive.size(); ++i) alive[i] = !choice.candidates.removable[i];
    return alive;
  }();
  const std::vector<bool> alive =
      keep_connected(choice.graph, choice.groups, choice.candidates, none_left);
  EXPECT_EQ(choice.mask(alive, "stem"), "0001");
  EXPECT_EQ(choice.mask(alive, "inner"), "0");
  EXPECT_EQ(keep_connected(choice.graph, choice.groups, choice.candidates, alive), alive);
}

TEST(KeepConnected, BringsBackALayerWhoseGroupLivesOnElsewhere) {
  // The first half of `a` is tied to `b` and is all that the output reads; the second half lives.
  const Choice choice(R"(
x = Input() shape=[1, 3, 2, 2]
a = Conv(x; weight=[4, 3, 1, 1])
b = Conv(x; weight=[2, 3, 1, 1])
half = Slice(a) axes=[1] starts=[0] ends=[2]
sum = Add(half, b)
head = Conv(sum; weight=[5, 2, 1, 1])
return head
)",
                      {{"a", {0.1, 0.2, 0.8, 0.9}}});
  std::vector<bool> alive(choice.candidates.removable.size(), true);
  for (const ChannelId set : choice.groups.made_by(choice.graph.find("b").value())) {
    alive[static_cast<size_t>(set)] = false;
  }
  alive = keep_connected(choice.graph, choice.groups, choice.candidates, alive);
  EXPECT_EQ(choice.mask(alive, "a"), "0111");
  EXPECT_EQ(choice.mask(alive, "b"), "01");
}

TEST(SelectChannels, OnRandomGraphsLimitsHoldAndPinnedChannelsStay) {
  int64_t reached = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = random_graph(seed);
    const ChannelGroups groups = find_channel_groups(graph);
    Random random(seed);
    Candidates candidates;
    for (ChannelId set = 0; set < groups.set_count(); ++set) {
      candidates.values.push_back(random.uniform());
      candidates.removable.push_back(!groups.pinned(set));
    }
    const std::shared_ptr<const CostModel> flops = make_cost_model("flops");
    const double limit = 0.5 * network_cost(graph, *flops);
    Selection selection;
    try {
      selection = select_channels(graph, groups, candidates, {{flops, limit}}, 0.01);
    } catch (const Error&) {
      continue;  // Out of reach, because too much is pinned.
    }
    ++reached;
    EXPECT_LE(network_cost(shrink(graph, groups, selection.alive).graph, *flops), limit);
    for (size_t set = 0; set < selection.alive.size(); ++set) {
      const bool is_free = candidates.removable[set];
      EXPECT_TRUE(is_free || selection.alive[set]);
      if (is_free && candidates.values[set] > selection.threshold) {
        EXPECT_TRUE(selection.alive[set]);
      }
    }
  }
  EXPECT_GT(reached, 40);
}

TEST(SelectChannels, LayersKeepTheirLeastWidth) {
  const char* body = R"(
x = Input() shape=[1, 1, 1, 1]
a = Conv(x; weight=[4, 1, 1, 1])
b = Conv(a; weight=[4, 4, 1, 1])
c = Conv(b; weight=[1, 4, 1, 1])
return c
)";
  const std::map<std::string, std::vector<double>> values = {{"a", {0.1, 0.3, 0.2, 0.05}},
                                                             {"b", {0.9, 0.8, 0.7, 0.6}}};
  const Choice choice(body, values, {.min_width = {{.layers = "a", .amount = 3}}});
  // With a channels in a and b in b: 2 (a + ab + b) FLOPs.
  const Selection selection = choice.select({{"flops", 14}});
  EXPECT_EQ(choice.mask(selection.alive, "a"), "1110");
  EXPECT_EQ(choice.mask(selection.alive, "b"), "1000");
  EXPECT_ERROR(choice.select({{"flops", 13}}), "the nearest is 14 FLOPs");
}

}  // namespace
}  // namespace morph
