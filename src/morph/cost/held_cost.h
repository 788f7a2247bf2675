#pragma once

#include <string>
#include <vector>

#include "morph/analysis/channel_groups.h"
#include "morph/cost/cost_model.h"
#include "morph/ir/graph.h"

namespace morph {

/// A part of a network's cost that no learning can save, because channels may not be removed.
struct HeldCost {
  std::string reason = {};         ///< Why: what pins the channels, or "no gate".
  std::vector<NodeId> nodes = {};  ///< Whose cost it is, in topological order.
  double share = 0;                ///< Of the whole network's cost, 0 to 1.
};

/// What is left of a network's cost where every channel set that is `removable` (by set) is gone
/// and nothing else, by the reason that holds it; the largest part first.
std::vector<HeldCost> held_costs(const Graph& graph,
                                 const ChannelGroups& groups,
                                 const std::vector<bool>& removable,
                                 const CostModel& model);

/// One sentence for each part that is more than a fifth of the cost, naming its nodes: pruning
/// elsewhere has to make up for it.
std::vector<std::string> held_cost_warnings(const Graph& graph,
                                            const ChannelGroups& groups,
                                            const std::vector<bool>& removable,
                                            const CostModel& model);

}  // namespace morph
