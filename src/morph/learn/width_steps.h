#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "morph/analysis/channel_groups.h"
#include "morph/ir/graph.h"

namespace morph {

/// What there is to choose from.
struct Candidates {
  std::vector<double> values = {};   ///< By channel set: how much it earns (its largest gate).
  std::vector<bool> removable = {};  ///< By channel set.
};

/// The widths that a network may have, and how to go from one to the next. A lane is one block of
/// interchangeable channels; its width is a multiple of `round_to`, or any where the network has
/// fewer channels than that there. What is pinned stays. Of a lane the strongest channels live.
class WidthSteps {
 public:
  WidthSteps(const Graph& graph,
             const ChannelGroups& groups,
             const Candidates& candidates,
             int64_t round_to);

  size_t count() const { return lanes_.size(); }
  size_t lane_of(ChannelId set) const { return lane_of_[static_cast<size_t>(set)]; }

  /// `alive` with the width of each lane at the nearest that it may have, possibly 0.
  std::vector<bool> nearest(std::vector<bool> alive) const;

  /// The same with no lane narrower than before, where the network has the channels for it.
  std::vector<bool> upward(std::vector<bool> alive) const;

  /// `alive` with a lane one step wider; nothing if it is as wide as it gets.
  std::optional<std::vector<bool>> wider(std::vector<bool> alive, size_t lane) const;

  /// `alive` with a lane one step narrower; nothing if it would be gone then.
  std::optional<std::vector<bool>> narrower(std::vector<bool> alive, size_t lane) const;

 private:
  struct Lane {
    std::vector<ChannelId> strongest_first = {};  // Those that may be removed.
    int64_t permanent = 0;                        // How many may not.
    int64_t step = 1;
    int64_t widest = 0;
  };

  int64_t width(const std::vector<bool>& alive, const Lane& lane) const;
  void set_width(std::vector<bool>& alive, const Lane& lane, int64_t width) const;

  std::vector<Lane> lanes_;
  std::vector<size_t> lane_of_;  // By set.
};

}  // namespace morph
