#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "morph/analysis/channel_groups.h"
#include "morph/cost/cost_model.h"
#include "morph/ir/graph.h"
#include "morph/learn/width_steps.h"

namespace morph {

/// A cost that a network has to stay within.
struct Limit {
  std::shared_ptr<const CostModel> model = {};
  double amount = 0;  ///< In the model's unit.
};

/// What a structure has to look like beside its cost.
struct SelectionOptions {
  double floor = 0;         ///< The threshold is not below this.
  int64_t round_to = 1;     ///< Widths are multiples of this; see WidthSteps.
  double min_branch = 0.0;  ///< A branch that would keep a smaller share of a layer's channels than
                            ///< this goes entirely.
};

/// Candidates for a random structure, to compare learned ones with: group g of tied channels draws
/// s_g from U(0, 1), and the jth of its m sets earns s_g · (j + 1) / m. At a threshold t a group
/// then keeps about the share 1 − t / s_g of its channels, and whole groups go. Sets that are
/// pinned are not removable.
Candidates random_candidates(const ChannelGroups& groups, uint64_t seed);

/// Which channels to keep.
struct Selection {
  std::vector<bool> alive = {};  ///< By channel set.
  double threshold = 0;  ///< Removable channels at or below it are cut, but for the few that
                         ///< were kept because the network would be cut through or because
                         ///< the budget had room for them. Above it, those are cut whose layer
                         ///< goes with all that fed or all that read it.
  std::vector<double> used = {};  ///< By limit: the share of its amount that is spent.
};

/// As much of the scarcest budget is to be used, where the steps of the widths allow it.
inline constexpr double kEnoughUsed = 0.97;

/// The selection with the lowest threshold, not below the floor, whose shrunk network stays within
/// all limits, counted on the real integer widths. Channels that a layer needs for its least width
/// are kept, the strongest of the layer, and such as would cut the network through. Then the
/// strongest of the cut ones above the floor come back as long as the limits hold; and while less
/// than kEnoughUsed of every limit is spent, any that are left, or one layer is widened at the
/// expense of another. Throws what check_reachable() throws.
Selection select_channels(const Graph& graph,
                          const ChannelGroups& groups,
                          const Candidates& candidates,
                          const std::vector<Limit>& limits,
                          const SelectionOptions& options);

/// Throws Error naming the nearest that can be reached of each limit if even the smallest network,
/// with every removable channel gone but those that keep it connected and layers at their least
/// width, is over one.
void check_reachable(const Graph& graph,
                     const ChannelGroups& groups,
                     const Candidates& candidates,
                     const std::vector<Limit>& limits,
                     const SelectionOptions& options);

/// `alive` with as few channels more, the strongest first, as it takes to leave a path from the
/// inputs to every output.
std::vector<bool> keep_connected(const Graph& graph,
                                 const ChannelGroups& groups,
                                 const Candidates& candidates,
                                 std::vector<bool> alive);

}  // namespace morph
