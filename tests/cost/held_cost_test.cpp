#include "morph/cost/held_cost.h"

#include <string>
#include <vector>

#include "graph_text.h"
#include <gtest/gtest.h>

#include "morph/cost/cost_model.h"

namespace morph {
namespace {

/// One pixel, so that a convolution costs 2 · in · out FLOPs: 24, 32, 160 and 40.
constexpr const char* kNet = R"(
x = Input() shape=[1, 3, 1, 1]
a = Conv(x; weight=[4, 3, 1, 1])
b = Conv(a; weight=[4, 4, 1, 1])
soft = Softmax(b) axis=1
c = Conv(soft; weight=[20, 4, 1, 1])
head = Conv(c; weight=[1, 20, 1, 1])
return head
)";

struct Held {
  explicit Held(const char* body, const ChannelScope& scope = {})
      : graph(graph_of(body)), groups(find_channel_groups(graph, scope)) {
    for (ChannelId set = 0; set < groups.set_count(); ++set) {
      removable.push_back(!groups.pinned(set));
    }
  }

  std::vector<HeldCost> parts(const char* cost = "flops") const {
    return held_costs(graph, groups, removable, *make_cost_model(cost));
  }

  std::vector<std::string> warnings() const {
    return held_cost_warnings(graph, groups, removable, *make_cost_model("flops"));
  }

  Graph graph;
  ChannelGroups groups;
  std::vector<bool> removable = {};
};

TEST(HeldCosts, NothingIsHeldWhereEveryLayerCanLoseEitherEnd) {
  EXPECT_TRUE(Held(kNet).parts().empty());
  EXPECT_TRUE(Held(kNet).warnings().empty());
}

TEST(HeldCosts, ALayerBetweenPinnedChannelsIsHeld) {
  const Held held(kNet, {.keep = {"c"}});
  const std::vector<HeldCost> parts = held.parts();
  // c reads what the Softmax pins, head what c keeps; a and b have one free end.
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].reason, "kept by --keep c");
  EXPECT_EQ(parts[0].nodes, (std::vector<NodeId>{held.graph.find("c").value()}));
  EXPECT_DOUBLE_EQ(parts[0].share, 160.0 / 256.0);
  EXPECT_EQ(parts[1].reason, "network output");
  EXPECT_DOUBLE_EQ(parts[1].share, 40.0 / 256.0);
}

TEST(HeldCosts, WarnsAboutPartsAboveAFifth) {
  EXPECT_EQ(Held(kNet, {.keep = {"c"}}).warnings(),
            (std::vector<std::string>{"62.5 % of flops cannot be pruned (kept by --keep c): c"}));
}

TEST(HeldCosts, ChannelsWithoutAGateAreHeldToo) {
  Held held(kNet);
  held.removable.assign(held.removable.size(), false);
  const std::vector<HeldCost> parts = held.parts();
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[0].reason, "no gate");
  EXPECT_DOUBLE_EQ(parts[0].share, 184.0 / 256.0);
  double sum = 0;
  for (const HeldCost& part : parts) sum += part.share;
  EXPECT_DOUBLE_EQ(sum, 1);
}

}  // namespace
}  // namespace morph
