#include "morph/learn/selection.h"

#include <algorithm>
#include <memory>
#include <string>

#include "expect_error.h"
#include "graph_text.h"
#include "random_graph.h"

#include "morph/base/random.h"
#include "morph/cost/network_cost.h"
#include "morph/transform/shrink.h"
#include "morph/zoo/zoo.h"

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

  Selection select(const std::map<std::string, double>& budgets,
                   const SelectionOptions& options = {}) const {
    return select_channels(graph, groups, candidates, limits(budgets), options);
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
  const Selection selection = choice.select({{"flops", 35}});
  EXPECT_EQ(choice.mask(selection.alive, "a"), "1010");
  EXPECT_EQ(choice.mask(selection.alive, "b"), "011111");
  EXPECT_DOUBLE_EQ(selection.used.at(0), 34.0 / 35);
}

// 2 and 5 would leave 5 of 39 FLOPs unused; 3 and 4 cost 38.
TEST(SelectChannels, WidensOneLayerAtTheExpenseOfAnotherToUseTheBudget) {
  const Choice choice = chain();
  const Selection selection = choice.select({{"flops", 39}});
  EXPECT_EQ(choice.mask(selection.alive, "a"), "1011");
  EXPECT_EQ(choice.mask(selection.alive, "b"), "001111");
}

// All but one channel of `a` is below the floor, yet the budget has room for them.
TEST(SelectChannels, UsesTheBudgetEvenForChannelsBelowTheFloor) {
  const Choice choice = chain();
  const Selection selection = choice.select({{"flops", 54}}, {.floor = 0.35});
  EXPECT_EQ(choice.mask(selection.alive, "a"), "1011");
  EXPECT_EQ(choice.mask(selection.alive, "b"), "111111");
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
  const Selection selection = choice.select({}, {.floor = 0.3});
  EXPECT_EQ(selection.threshold, 0.3);
  EXPECT_EQ(choice.mask(selection.alive, "a"), "1000");
  EXPECT_EQ(choice.mask(selection.alive, "b"), "001111");
}

TEST(SelectChannels, TheNetworkStaysConnected) {
  const Choice choice = chain();
  const Selection selection = choice.select({}, {.floor = 0.5});
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
  EXPECT_ERROR(
      check_reachable(
          choice.graph, choice.groups, choice.candidates, Choice::limits({{"params", 2}}), {}),
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

TEST(SelectChannels, WhatLeavesWithItsNeighboursIsNotKeptHoweverStrong) {
  const char* towers = R"(
x = Input() shape=[1, 1, 1, 1]
stem = Conv(x; weight=[4, 1, 1, 1])
inner = Conv(stem; weight=[2, 4, 1, 1])
outer = Conv(inner; weight=[3, 2, 1, 1])
other = Conv(stem; weight=[3, 4, 1, 1])
tower = Concat(outer, other) axis=1
head = Conv(tower; weight=[1, 6, 1, 1])
return head
)";
  const Choice unfed(towers, {{"inner", {0.1, 0.2}}, {"outer", {0.7, 0.8, 0.9}}});
  const Choice unread(towers, {{"inner", {0.7, 0.8}}, {"outer", {0.1, 0.2, 0.3}}});
  for (const Choice& choice : {unfed, unread}) {
    const Selection selection = choice.select({}, {.floor = 0.5});
    EXPECT_EQ(choice.mask(selection.alive, "inner"), "00");
    EXPECT_EQ(choice.mask(selection.alive, "outer"), "000");
    EXPECT_EQ(choice.mask(selection.alive, "other"), "111");
  }
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

TEST(KeepConnected, ABlockThatIsNotNeededStaysAwayHoweverStrong) {
  Choice choice = residual();
  const auto inner = choice.groups.made_by(choice.graph.find("inner").value()).front();
  choice.candidates.values[static_cast<size_t>(inner)] = 0.9;
  std::vector<bool> alive(choice.candidates.removable.size());
  for (size_t i = 0; i < alive.size(); ++i) alive[i] = !choice.candidates.removable[i];
  alive = keep_connected(choice.graph, choice.groups, choice.candidates, alive);
  EXPECT_EQ(choice.mask(alive, "inner"), "0");
  EXPECT_EQ(choice.mask(alive, "stem"), "0001");
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

/// Of tied layers that may go, one is there if one of their channels is alive.
void expect_layers_of(const Graph& shrunk,
                      const Graph& graph,
                      const ChannelGroups& groups,
                      const std::vector<bool>& alive) {
  for (const ChannelGroup& group : groups.groups()) {
    const auto is_pinned = [&](ChannelId set) { return groups.pinned(set).has_value(); };
    if (std::ranges::any_of(group.sets, is_pinned)) continue;
    const auto is_alive = [&](ChannelId set) { return alive[static_cast<size_t>(set)]; };
    const auto is_there = [&](NodeId id) { return shrunk.find(graph[id].name).has_value(); };
    EXPECT_EQ(std::ranges::any_of(group.sets, is_alive),
              std::ranges::any_of(group.layers, is_there))
        << graph[group.layers.front()].name;
  }
}

/// The sets that some layer makes which is still there.
std::vector<bool> sets_made(const Graph& shrunk, const Graph& graph, const ChannelGroups& groups) {
  std::vector<bool> made(static_cast<size_t>(groups.set_count()), false);
  for (const NodeId id : graph.ids()) {
    if (!shrunk.find(graph[id].name)) continue;
    for (const ChannelId set : groups.made_by(id)) made[static_cast<size_t>(set)] = true;
  }
  return made;
}

TEST(SelectChannels, OnRandomGraphsLimitsHoldAndPinnedChannelsStay) {
  int64_t reached = 0;
  int64_t strict = 0;
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
      selection = select_channels(graph, groups, candidates, {{flops, limit}}, {.floor = 0.01});
    } catch (const Error&) {
      continue;  // Out of reach, because too much is pinned.
    }
    ++reached;
    const Graph shrunk = shrink(graph, groups, selection.alive).graph;
    EXPECT_LE(network_cost(shrunk, *flops), limit);
    expect_layers_of(shrunk, graph, groups, selection.alive);
    const auto is_strong = [&](size_t set) {
      return candidates.removable[set] && candidates.values[set] > selection.threshold;
    };
    std::vector<bool> revived = selection.alive;
    for (size_t set = 0; set < revived.size(); ++set) {
      EXPECT_TRUE(candidates.removable[set] || selection.alive[set]);
      revived[set] = revived[set] || is_strong(set);
    }
    // What would not be there if it were alive has left with its neighbours.
    const std::vector<bool> made = sets_made(shrink(graph, groups, revived).graph, graph, groups);
    size_t strong_and_dead = 0;
    for (size_t set = 0; set < revived.size(); ++set) {
      if (is_strong(set) && !selection.alive[set] && made[set]) ++strong_and_dead;
    }
    // Only to use the budget may one be given up for another.
    if (strong_and_dead == 0) ++strict;
  }
  EXPECT_GT(reached, 40);
  EXPECT_GT(strict, 35);
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

TEST(SelectChannels, SeveralImpossibleBudgetsAreNamedTogether) {
  const Choice choice = chain();
  EXPECT_ERROR(
      choice.select({{"flops", 30}, {"params", 2}}),
      "budget flops=30, params=2 cannot be reached: the nearest is 6 FLOPs (0.0882353x), 3 "
      "parameters (0.0882353x), with every channel removed that may be");
}

TEST(SelectChannels, WidthsAreMultiples) {
  // With 2a and 2b channels: 2 (2a + 4ab + 2b) FLOPs.
  const Choice choice = chain();
  const Selection selection = choice.select({{"flops", 40}}, {.round_to = 2});
  EXPECT_EQ(choice.mask(selection.alive, "a"), "1010");
  EXPECT_EQ(choice.mask(selection.alive, "b"), "111111");
  // 4 and 2, but for one FLOP; what is left is 2 and 4.
  const Selection less = choice.select({{"flops", 27}}, {.round_to = 2});
  EXPECT_EQ(choice.mask(less.alive, "a").size(), 4U);
  EXPECT_LT(less.used.at(0), kEnoughUsed);
}

TEST(SelectChannels, ALayerNarrowerThanTheMultipleHasAnyWidth) {
  const Choice choice = chain();
  const Selection selection = choice.select({{"flops", 30}}, {.round_to = 5});
  // Of six channels five or none may stay; of four any number.
  EXPECT_EQ(choice.mask(selection.alive, "b"), "011111");
  EXPECT_EQ(choice.mask(selection.alive, "a"), "1000");
}

TEST(SelectChannels, WhatCannotGoIsRoundedUp) {
  const Choice choice = chain();
  const Selection selection = choice.select({}, {.floor = 0.5, .round_to = 3});
  EXPECT_EQ(choice.mask(selection.alive, "a"), "1011");
  EXPECT_EQ(choice.mask(selection.alive, "b"), "000111");
  EXPECT_ERROR(choice.select({{"flops", 20}}, {.round_to = 3}),
               "budget flops=20 cannot be reached: the nearest is 30 FLOPs");
}

TEST(SelectChannels, AThinBranchGoesEntirelyAndItsBudgetElsewhere) {
  const Choice choice(R"(
x = Input() shape=[1, 1, 1, 1]
stem = Conv(x; weight=[4, 1, 1, 1])
inner = Conv(stem; weight=[10, 4, 1, 1])
outer = Conv(inner; weight=[4, 10, 1, 1])
sum = Add(outer, stem)
head = Conv(sum; weight=[10, 4, 1, 1])
return head
)",
                      {{"stem", {0.2, 0.4, 0.5, 0.6}},
                       {"inner", {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.3}}});
  // Four channels of the trunk cost 88 FLOPs and 16 with each of the block.
  const Selection with = choice.select({{"flops", 92}});
  EXPECT_EQ(choice.mask(with.alive, "inner"), "0000000011");
  EXPECT_EQ(choice.mask(with.alive, "stem"), "0111");
  const Selection without = choice.select({{"flops", 92}}, {.min_branch = 0.2});
  EXPECT_EQ(choice.mask(without.alive, "inner"), "0000000000");
  EXPECT_EQ(choice.mask(without.alive, "stem"), "1111");
  // The trunk is needed, thin or not.
  const Selection thin = choice.select({{"flops", 30}}, {.min_branch = 0.5});
  EXPECT_EQ(choice.mask(thin.alive, "stem"), "0001");
}

struct Budgets {
  const char* network;
  std::map<std::string, double> shares;
  int64_t round_to = 1;
};

class SeveralBudgets : public ::testing::TestWithParam<Budgets> {};

TEST_P(SeveralBudgets, AreMetAndTheScarcestIsUsed) {
  const Graph graph = zoo::build(GetParam().network);
  const ChannelGroups groups = find_channel_groups(graph);
  Random random(5);
  Candidates candidates;
  for (ChannelId set = 0; set < groups.set_count(); ++set) {
    candidates.values.push_back(random.uniform());
    candidates.removable.push_back(!groups.pinned(set));
  }
  std::vector<Limit> limits;
  for (const auto& [cost, share] : GetParam().shares) {
    const std::shared_ptr<const CostModel> model = make_cost_model(cost);
    limits.push_back({model, share * network_cost(graph, *model)});
  }
  const Selection selection = select_channels(
      graph, groups, candidates, limits, {.floor = 0.01, .round_to = GetParam().round_to});
  const Graph shrunk = shrink(graph, groups, selection.alive).graph;
  double used = 0;
  for (size_t k = 0; k < limits.size(); ++k) {
    const double spent = network_cost(shrunk, *limits[k].model);
    EXPECT_LE(spent, limits[k].amount) << limits[k].model->name();
    EXPECT_DOUBLE_EQ(selection.used[k], spent / limits[k].amount);
    used = std::max(used, spent / limits[k].amount);
  }
  EXPECT_GE(used, 0.97);
  for (const NodeId id : shrunk.ids()) {
    const NodeId old = graph.find(shrunk[id].name).value();
    const auto width = static_cast<int64_t>(groups.made_by(old).size());
    if (width == 0 || groups.pinned(groups.made_by(old).front()) || width < GetParam().round_to) {
      continue;
    }
    EXPECT_EQ(shrunk[id].params.at("weight").shape[0] % GetParam().round_to, 0) << shrunk[id].name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Zoo,
    SeveralBudgets,
    ::testing::Values(
        Budgets{"resnet20", {{"flops", 0.5}, {"params", 0.6}}},
        Budgets{"resnet20", {{"flops", 0.6}, {"params", 0.4}}},
        Budgets{"resnet20", {{"latency:V100", 0.6}, {"memory", 0.7}}},
        Budgets{"resnet20", {{"activation-memory", 0.5}, {"flops", 0.9}}},
        Budgets{"mobilenet_v2?width=0.5&input=3x32x32", {{"flops", 0.5}, {"latency:A17-Pro", 0.7}}},
        Budgets{"inception_v2?width=0.25&input=3x32x32", {{"params", 0.5}, {"flops", 0.5}}},
        Budgets{"densenet121?width=0.25&input=3x32x32", {{"activations", 0.6}, {"params", 0.7}}},
        Budgets{"vgg11_bn?width=0.25&input=3x32x32", {{"weights", 0.3}, {"memory", 0.6}}},
        Budgets{"resnet20", {{"flops", 0.5}, {"params", 0.6}}, 8},
        Budgets{"resnet50?width=0.5&input=3x32x32", {{"flops", 0.5}}, 8}));

const char* const kTwoGroups = R"(
x = Input() shape=[1, 1, 1, 1]
a = Conv(x; weight=[4, 1, 1, 1])
b = Conv(a; weight=[8, 4, 1, 1])
c = Conv(b; weight=[1, 8, 1, 1])
return c
)";

TEST(RandomCandidates, RiseInEqualStepsWithinAGroup) {
  const Graph graph = graph_of(kTwoGroups);
  const ChannelGroups groups = find_channel_groups(graph);
  const Candidates drawn = random_candidates(groups, 7);
  std::vector<double> best;
  for (const char* layer : {"a", "b"}) {
    const auto& made = groups.made_by(graph.find(layer).value());
    const double top = drawn.values[static_cast<size_t>(made.back())];
    EXPECT_GT(top, 0);
    EXPECT_LT(top, 1);
    EXPECT_DOUBLE_EQ(drawn.values[static_cast<size_t>(made[1])],
                     2 * drawn.values[static_cast<size_t>(made[0])]);
    EXPECT_DOUBLE_EQ(drawn.values[static_cast<size_t>(made[made.size() / 2 - 1])], top / 2);
    best.push_back(top);
  }
  EXPECT_NE(best[0], best[1]) << "each group draws for itself";
  const auto output = static_cast<size_t>(groups.made_by(graph.find("c").value())[0]);
  EXPECT_FALSE(drawn.removable[output]);
  EXPECT_EQ(std::count(drawn.removable.begin(), drawn.removable.end(), true), 12);
}

TEST(RandomCandidates, DependOnTheSeedAlone) {
  const ChannelGroups groups = find_channel_groups(graph_of(kTwoGroups));
  EXPECT_EQ(random_candidates(groups, 3).values, random_candidates(groups, 3).values);
  EXPECT_NE(random_candidates(groups, 3).values, random_candidates(groups, 4).values);
}

TEST(RandomCandidates, MeetABudget) {
  const Graph graph = graph_of(kTwoGroups);
  const ChannelGroups groups = find_channel_groups(graph);
  const std::vector<Limit> limits = {{make_cost_model("flops"), 40}};
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Selection selection =
        select_channels(graph, groups, random_candidates(groups, seed), limits, {});
    const double spent =
        network_cost(shrink(graph, groups, selection.alive).graph, *make_cost_model("flops"));
    EXPECT_LE(spent, 40) << seed;
    EXPECT_GE(spent, 22) << seed << ": one channel of b costs 10 at most, of a 18";
  }
}

}  // namespace
}  // namespace morph
