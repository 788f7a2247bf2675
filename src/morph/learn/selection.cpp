#include "morph/learn/selection.h"

#include <algorithm>
#include <optional>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/cost/network_cost.h"
#include "morph/transform/shrink.h"

namespace morph {
namespace {

/// How many cut channels are tried for what room the budget leaves: beyond, nothing is gained that
/// training could tell from noise.
constexpr size_t kMostReturns = 64;

size_t at(ChannelId set) { return static_cast<size_t>(set); }

/// The strongest channel of all layers that have lost every channel; nothing if there is none.
std::optional<ChannelId> strongest_of_dead_layers(const Graph& graph,
                                                  const ChannelGroups& groups,
                                                  const Candidates& candidates,
                                                  const std::vector<bool>& alive) {
  std::optional<ChannelId> best;
  for (const NodeId id : graph.ids()) {
    const std::vector<ChannelId>& made = groups.made_by(id);
    const auto is_alive = [&](ChannelId set) { return alive[at(set)]; };
    if (std::any_of(made.begin(), made.end(), is_alive)) continue;
    for (const ChannelId set : made) {
      if (!best || candidates.values[at(set)] > candidates.values[at(*best)]) best = set;
    }
  }
  return best;
}

class Selector {
 public:
  Selector(const Graph& graph,
           const ChannelGroups& groups,
           const Candidates& candidates,
           const std::vector<Limit>& limits)
      : graph_(graph), groups_(groups), candidates_(candidates), limits_(limits) {
    for (ChannelId set = 0; set < groups.set_count(); ++set) {
      if (candidates.removable[at(set)]) weakest_first_.push_back(set);
    }
    std::stable_sort(weakest_first_.begin(), weakest_first_.end(), [&](ChannelId a, ChannelId b) {
      return candidates.values[at(a)] < candidates.values[at(b)];
    });
  }

  void check_reachable() const {
    const std::vector<double> least = costs(without_weakest(weakest_first_.size()));
    for (size_t k = 0; k < limits_.size(); ++k) {
      if (least[k] <= limits_[k].amount) continue;
      const double seed = network_cost(graph_, *limits_[k].model);
      throw Error(cat("budget ",
                      limits_[k].model->name(),
                      "=",
                      format_count(limits_[k].amount),
                      " cannot be reached: the nearest is ",
                      format_count(least[k]),
                      " ",
                      limits_[k].model->unit(),
                      " (",
                      least[k] / seed,
                      "x), with every channel removed that may be"));
    }
  }

  Selection run(double floor) const {
    check_reachable();
    size_t fewest = count_up_to(floor);
    size_t most = weakest_first_.size();
    if (!within_limits(without_weakest(fewest))) {
      while (most - fewest > 1) {
        const size_t middle = fewest + (most - fewest) / 2;
        (within_limits(without_weakest(middle)) ? most : fewest) = middle;
      }
    } else {
      most = fewest;
    }
    Selection selection{.alive = without_weakest(most), .threshold = floor};
    if (most > 0) {
      selection.threshold = std::max(floor, candidates_.values[at(weakest_first_[most - 1])]);
    }
    bring_back(selection.alive, {.first = count_up_to(floor), .end = most});
    return selection;
  }

 private:
  size_t count_up_to(double floor) const {
    const auto above = std::find_if(weakest_first_.begin(), weakest_first_.end(), [&](auto set) {
      return candidates_.values[at(set)] > floor;
    });
    return static_cast<size_t>(above - weakest_first_.begin());
  }

  std::vector<bool> without_weakest(size_t count) const {
    std::vector<bool> alive(at(groups_.set_count()), true);
    for (size_t i = 0; i < count; ++i) alive[at(weakest_first_[i])] = false;
    alive = keep_least_widths(groups_, candidates_.values, std::move(alive));
    return keep_connected(graph_, groups_, candidates_, std::move(alive));
  }

  std::vector<double> costs(const std::vector<bool>& alive) const {
    const Graph shrunk = shrink(graph_, groups_, alive).graph;
    std::vector<double> result;
    for (const Limit& limit : limits_) result.push_back(network_cost(shrunk, *limit.model));
    return result;
  }

  bool within_limits(const std::vector<bool>& alive) const {
    const std::vector<double> spent = costs(alive);
    for (size_t k = 0; k < limits_.size(); ++k) {
      if (spent[k] > limits_[k].amount) return false;
    }
    return true;
  }

  /// Places in weakest_first_.
  struct Range {
    size_t first;
    size_t end;
  };

  /// Only channels above the floor come back, and only to layers that are still there: one of a
  /// removed layer would bring the layer back for a single channel.
  void bring_back(std::vector<bool>& alive, Range cut) const {
    if (limits_.empty()) return;
    std::vector<bool> has_company(at(groups_.set_count()), false);
    for (const ChannelGroup& group : groups_.groups()) {
      const auto is_alive = [&](ChannelId set) { return alive[at(set)]; };
      if (std::none_of(group.sets.begin(), group.sets.end(), is_alive)) continue;
      for (const ChannelId set : group.sets) has_company[at(set)] = true;
    }
    size_t tried = 0;
    for (size_t i = cut.end; i-- > cut.first && tried < kMostReturns;) {
      const size_t set = at(weakest_first_[i]);
      if (alive[set] || !has_company[set]) continue;
      ++tried;
      alive[set] = true;
      if (!within_limits(alive)) alive[set] = false;
    }
  }

  const Graph& graph_;
  const ChannelGroups& groups_;
  const Candidates& candidates_;
  const std::vector<Limit>& limits_;
  std::vector<ChannelId> weakest_first_;
};

}  // namespace

std::vector<bool> keep_connected(const Graph& graph,
                                 const ChannelGroups& groups,
                                 const Candidates& candidates,
                                 std::vector<bool> alive) {
  while (true) {
    try {
      shrink(graph, groups, alive);
      return alive;
    } catch (const Error&) {
      const std::optional<ChannelId> back =
          strongest_of_dead_layers(graph, groups, candidates, alive);
      if (!back) throw;
      alive[at(*back)] = true;
    }
  }
}

void check_reachable(const Graph& graph,
                     const ChannelGroups& groups,
                     const Candidates& candidates,
                     const std::vector<Limit>& limits) {
  Selector(graph, groups, candidates, limits).check_reachable();
}

Selection select_channels(const Graph& graph,
                          const ChannelGroups& groups,
                          const Candidates& candidates,
                          const std::vector<Limit>& limits,
                          double floor) {
  return Selector(graph, groups, candidates, limits).run(floor);
}

}  // namespace morph
