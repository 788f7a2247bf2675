#include <algorithm>

#include "zoo/counts.h"
#include "zoo/dead_parts.h"
#include <gtest/gtest.h>

#include "morph/cost/network_cost.h"
#include "morph/ir/verify.h"
#include "morph/transform/shrink.h"
#include "morph/zoo/zoo.h"

namespace morph::zoo {
namespace {

class DeadParts : public ::testing::TestWithParam<DeadPart> {};

TEST_P(DeadParts, LeaveTheGraph) {
  const DeadPart& part = GetParam();
  const Graph graph = build(part.network);
  const ChannelGroups groups = find_channel_groups(graph);
  const Rewrite rewrite = shrink(graph, groups, alive_without(graph, groups, part.layers));
  EXPECT_NO_THROW(verify(rewrite.graph));
  for (const Node& node : graph.nodes()) {
    const auto begins = [&](const std::string& start) { return node.name.starts_with(start); };
    const bool stays = std::ranges::count(part.staying, node.name) != 0 ||
                       std::ranges::none_of(part.leaving, begins);
    EXPECT_EQ(rewrite.graph.find(node.name).has_value(), stays) << node.name;
  }
  for (const std::string& name : part.staying) {
    EXPECT_TRUE(rewrite.graph.find(name)) << name;
  }
  for (const char* cost : {"flops", "params"}) {
    EXPECT_LT(network_cost(rewrite.graph, *make_cost_model(cost)),
              network_cost(graph, *make_cost_model(cost)));
  }
}

INSTANTIATE_TEST_SUITE_P(Zoo, DeadParts, ::testing::ValuesIn(dead_parts()));

TEST(Topology, EveryNetworkShrinks) {
  for (const Entry& entry : networks()) {
    SCOPED_TRACE(entry.name);
    const Graph graph = build(entry.name + "?width=0.25",
                              Task{.classes = 7, .input = {entry.task.input[0], 32, 32}});
    const ChannelGroups groups = find_channel_groups(graph);
    const Rewrite rewrite = shrink(graph, groups, most_alive(graph, groups, 1));
    EXPECT_NO_THROW(verify(rewrite.graph));
    EXPECT_TRUE(rewrite.removed.empty());
    for (const char* cost : {"flops", "params"}) {
      EXPECT_LT(network_cost(rewrite.graph, *make_cost_model(cost)),
                network_cost(graph, *make_cost_model(cost)));
    }
    EXPECT_EQ(rewrite.graph[rewrite.graph.outputs()[0]].shape, graph[graph.outputs()[0]].shape);
  }
}

}  // namespace
}  // namespace morph::zoo
