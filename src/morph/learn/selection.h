#pragma once

#include <memory>
#include <vector>

#include "morph/analysis/channel_groups.h"
#include "morph/cost/cost_model.h"
#include "morph/ir/graph.h"

namespace morph {

/// A cost that a network has to stay within.
struct Limit {
  std::shared_ptr<const CostModel> model = {};
  double amount = 0;  ///< In the model's unit.
};

/// What there is to choose from.
struct Candidates {
  std::vector<double> values = {};   ///< By channel set: how much it earns (its largest gate).
  std::vector<bool> removable = {};  ///< By channel set.
};

/// Which channels to keep.
struct Selection {
  std::vector<bool> alive = {};  ///< By channel set.
  double threshold = 0;  ///< Removable channels at or below it are cut, but for the few that
                         ///< were kept because the network would be cut through or because
                         ///< the budget had room for them.
};

/// The selection with the lowest threshold, not below `floor`, whose shrunk network stays within
/// all limits, counted on the real integer widths. Channels that a layer needs for its least width
/// are kept, the strongest of the layer, and such as would cut the network through; then the
/// strongest of the cut ones above the floor come back as long as the limits hold. Throws what
/// check_reachable() throws.
Selection select_channels(const Graph& graph,
                          const ChannelGroups& groups,
                          const Candidates& candidates,
                          const std::vector<Limit>& limits,
                          double floor);

/// Throws Error naming the nearest reachable cost if even the smallest network, with every
/// removable channel gone but those that keep it connected and layers at their least width, is over
/// a limit.
void check_reachable(const Graph& graph,
                     const ChannelGroups& groups,
                     const Candidates& candidates,
                     const std::vector<Limit>& limits);

/// `alive` with as few channels more, the strongest first, as it takes to leave a path from the
/// inputs to every output.
std::vector<bool> keep_connected(const Graph& graph,
                                 const ChannelGroups& groups,
                                 const Candidates& candidates,
                                 std::vector<bool> alive);

}  // namespace morph
