#include "morph/learn/selection.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "morph/base/error.h"
#include "morph/base/random.h"
#include "morph/base/strings.h"
#include "morph/cost/network_cost.h"
#include "morph/transform/resize.h"
#include "morph/transform/shrink.h"

namespace morph {
namespace {

/// How many cut channels are tried for what room the budget leaves: beyond, nothing is gained that
/// training could tell from noise.
constexpr size_t kMostReturns = 64;

/// How many structures are tried to use enough of a budget, which takes few but where widths go in
/// large steps.
constexpr size_t kMostTries = 512;

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

bool can_shrink(const Graph& graph, const ChannelGroups& groups, const std::vector<bool>& alive) {
  try {
    shrink(graph, groups, alive);
    return true;
  } catch (const Error&) {
    return false;
  }
}

class Selector {
 public:
  Selector(const Graph& graph,
           const ChannelGroups& groups,
           const Candidates& candidates,
           const std::vector<Limit>& limits,
           const SelectionOptions& options)
      : graph_(graph),
        groups_(groups),
        candidates_(candidates),
        limits_(limits),
        options_(options),
        steps_(graph, groups, candidates, options.round_to) {
    for (ChannelId set = 0; set < groups.set_count(); ++set) {
      if (candidates.removable[at(set)]) weakest_first_.push_back(set);
    }
    std::stable_sort(weakest_first_.begin(), weakest_first_.end(), [&](ChannelId a, ChannelId b) {
      return candidates.values[at(a)] < candidates.values[at(b)];
    });
    if (options.min_branch > 0) branches_ = find_branches();
  }

  void check_reachable() const {
    const std::vector<double> least = costs(without_weakest(weakest_first_.size()));
    std::vector<std::string> wanted;
    std::vector<std::string> nearest;
    bool is_reachable = true;
    for (size_t k = 0; k < limits_.size(); ++k) {
      const CostModel& model = *limits_[k].model;
      wanted.push_back(cat(model.name(), "=", format_count(limits_[k].amount)));
      nearest.push_back(cat(format_count(least[k]),
                            " ",
                            model.unit(),
                            " (",
                            least[k] / network_cost(graph_, model),
                            "x)"));
      is_reachable = is_reachable && least[k] <= limits_[k].amount;
    }
    if (is_reachable) return;
    throw Error(cat("budget ",
                    join(wanted, ", "),
                    " cannot be reached: the nearest is ",
                    join(nearest, ", "),
                    ", with every channel removed that may be"));
  }

  Selection run() const {
    check_reachable();
    const size_t fewest = count_up_to_floor();
    const size_t most = fewest_within_limits(fewest);
    Selection selection{.alive = without_weakest(most), .threshold = options_.floor};
    if (most > 0) {
      selection.threshold =
          std::max(options_.floor, candidates_.values[at(weakest_first_[most - 1])]);
    }
    if (!limits_.empty()) {
      const std::vector<bool> has_company = sets_with_company(without_bystanders(selection.alive));
      fill(selection.alive, has_company);
      selection.alive = exchange(selection.alive, has_company);
    }
    selection.alive = without_bystanders(selection.alive);
    const std::vector<double> spent = costs(selection.alive);
    for (size_t k = 0; k < limits_.size(); ++k) {
      selection.used.push_back(spent[k] / limits_[k].amount);
    }
    return selection;
  }

 private:
  /// Without the channels of layers that leave the network with those that fed or read them,
  /// however strong.
  std::vector<bool> without_bystanders(std::vector<bool> alive) const {
    const Graph shrunk = shrink(graph_, groups_, alive).graph;
    std::vector<bool> has_left(alive.size(), false);
    std::vector<bool> is_there(alive.size(), false);
    for (const NodeId id : graph_.ids()) {
      std::vector<bool>& where = shrunk.find(graph_[id].name) ? is_there : has_left;
      for (const ChannelId set : groups_.made_by(id)) where[at(set)] = true;
    }
    for (size_t set = 0; set < alive.size(); ++set) {
      if (candidates_.removable[set] && has_left[set] && !is_there[set]) alive[set] = false;
    }
    return alive;
  }

  size_t count_up_to_floor() const {
    const auto above = std::find_if(weakest_first_.begin(), weakest_first_.end(), [&](auto set) {
      return candidates_.values[at(set)] > options_.floor;
    });
    return static_cast<size_t>(above - weakest_first_.begin());
  }

  size_t fewest_within_limits(size_t fewest) const {
    if (within_limits(without_weakest(fewest))) return fewest;
    size_t most = weakest_first_.size();
    while (most - fewest > 1) {
      const size_t middle = fewest + (most - fewest) / 2;
      (within_limits(without_weakest(middle)) ? most : fewest) = middle;
    }
    return most;
  }

  std::vector<bool> without_weakest(size_t count) const {
    std::vector<bool> alive(at(groups_.set_count()), true);
    for (size_t i = 0; i < count; ++i) alive[at(weakest_first_[i])] = false;
    if (options_.min_branch > 0) alive = drop_thin_branches(std::move(alive));
    alive = keep_least_widths(groups_, candidates_.values, steps_.nearest(std::move(alive)));
    alive = steps_.upward(std::move(alive));
    return steps_.upward(keep_connected(graph_, groups_, candidates_, std::move(alive)));
  }

  /// The groups without which, the rest being there, every output can be reached.
  std::vector<const ChannelGroup*> find_branches() const {
    std::vector<const ChannelGroup*> branches;
    const std::vector<bool> all(at(groups_.set_count()), true);
    for (const ChannelGroup& group : groups_.groups()) {
      const auto has_least = [&](NodeId layer) { return groups_.least_width(layer) > 0; };
      const auto stays = [&](ChannelId set) { return !candidates_.removable[at(set)]; };
      if (std::ranges::any_of(group.layers, has_least)) continue;
      if (std::ranges::any_of(group.sets, stays)) continue;
      if (is_connected(without(group, all))) branches.push_back(&group);
    }
    return branches;
  }

  static std::vector<bool> without(const ChannelGroup& group, std::vector<bool> alive) {
    for (const ChannelId set : group.sets) alive[at(set)] = false;
    return alive;
  }

  /// Without the branches that have kept less than the share; where that would leave no way to an
  /// output, one after the other, the smallest share first, as long as there is one.
  std::vector<bool> drop_thin_branches(std::vector<bool> alive) const {
    std::vector<std::pair<double, const ChannelGroup*>> thin;
    std::vector<bool> left = alive;
    for (const ChannelGroup* branch : branches_) {
      const auto kept =
          std::ranges::count_if(branch->sets, [&](auto set) { return alive[at(set)]; });
      const double share = static_cast<double>(kept) / static_cast<double>(branch->sets.size());
      if (kept == 0 || share >= options_.min_branch) continue;
      thin.emplace_back(share, branch);
      left = without(*branch, std::move(left));
    }
    if (is_connected(left)) return left;
    std::ranges::stable_sort(thin, {}, &std::pair<double, const ChannelGroup*>::first);
    for (const auto& [share, branch] : thin) {
      left = without(*branch, alive);
      if (is_connected(left)) alive = std::move(left);
    }
    return alive;
  }

  bool is_connected(const std::vector<bool>& alive) const {
    const Survivors left = find_survivors(graph_, groups_, alive);
    return std::ranges::all_of(graph_.outputs(),
                               [&](NodeId output) { return left.nodes[index(output)]; });
  }

  /// Whether neither the least widths nor a way to the outputs ask for more.
  bool may_be(const std::vector<bool>& alive) const {
    return keep_least_widths(groups_, candidates_.values, alive) == alive &&
           keep_connected(graph_, groups_, candidates_, alive) == alive;
  }

  std::vector<double> costs(const std::vector<bool>& alive) const {
    const Graph shrunk = shrink(graph_, groups_, alive).graph;
    std::vector<double> result;
    for (const Limit& limit : limits_) result.push_back(network_cost(shrunk, *limit.model));
    return result;
  }

  bool within_limits(const std::vector<bool>& alive) const { return use(alive).has_value(); }

  /// The share of the scarcest limit that is spent; nothing if one is exceeded.
  std::optional<double> use(const std::vector<bool>& alive) const {
    const std::vector<double> spent = costs(alive);
    double largest = 0;
    for (size_t k = 0; k < limits_.size(); ++k) {
      if (spent[k] > limits_[k].amount) return std::nullopt;
      largest = std::max(largest, spent[k] / limits_[k].amount);
    }
    return largest;
  }

  /// Channels come back only to layers that are still there: one of a removed layer would bring
  /// the layer back for a single channel.
  std::vector<bool> sets_with_company(const std::vector<bool>& alive) const {
    std::vector<bool> has_company(at(groups_.set_count()), false);
    for (const ChannelGroup& group : groups_.groups()) {
      const auto is_alive = [&](ChannelId set) { return alive[at(set)]; };
      if (std::none_of(group.sets.begin(), group.sets.end(), is_alive)) continue;
      for (const ChannelId set : group.sets) has_company[at(set)] = true;
    }
    return has_company;
  }

  /// Widens lanes by steps, the one with the strongest dead channel first.
  void fill(std::vector<bool>& alive, const std::vector<bool>& has_company) const {
    const size_t floor = count_up_to_floor();
    double used = use(alive).value();
    std::vector<bool> is_full(steps_.count(), false);
    size_t tried = 0;
    for (size_t i = weakest_first_.size(); i-- > 0;) {
      const ChannelId set = weakest_first_[i];
      const size_t lane = steps_.lane_of(set);
      if (alive[at(set)] || !has_company[at(set)] || is_full[lane]) continue;
      const bool is_plenty = i < floor || tried >= kMostReturns;
      if (tried >= kMostTries || (is_plenty && used >= kEnoughUsed)) return;
      ++tried;
      const std::optional<std::vector<bool>> wider = steps_.wider(alive, lane);
      const std::optional<double> spent = wider ? use(*wider) : std::nullopt;
      is_full[lane] = !spent.has_value();
      if (!spent) continue;
      alive = *wider;
      used = *spent;
    }
  }

  /// A structure and the share of the scarcest limit that it spends.
  struct Use {
    std::vector<bool> alive = {};
    double spent = 0;
    size_t tries = 0;  ///< It took to find it.
  };

  /// The most that is spent as one lane is widened step by step; 0 where no step fits.
  Use widest(const std::vector<bool>& alive, size_t lane) const {
    Use best;
    std::optional<std::vector<bool>> wider = steps_.wider(alive, lane);
    for (; wider; wider = steps_.wider(*wider, lane)) {
      ++best.tries;
      const std::optional<double> spent = use(*wider);
      if (!spent) break;
      best.alive = *wider;
      best.spent = *spent;
    }
    return best;
  }

  /// Narrows one lane, by as few steps as it takes, to widen another by as many as there is room
  /// for, so that more of the scarcest limit is spent: enough, or the most that was found.
  std::vector<bool> exchange(const std::vector<bool>& alive,
                             const std::vector<bool>& has_company) const {
    std::vector<size_t> lanes;
    for (const ChannelId set : weakest_first_) {
      const size_t lane = steps_.lane_of(set);
      if (has_company[at(set)] && std::ranges::count(lanes, lane) == 0) lanes.push_back(lane);
    }
    Use best{.alive = alive, .spent = use(alive).value()};
    size_t tried = 0;
    std::vector<std::optional<std::vector<bool>>> narrowed(lanes.size(), alive);
    bool can_go_on = true;
    while (can_go_on && best.spent < kEnoughUsed && tried < kMostTries) {
      can_go_on = false;
      for (size_t i = 0; i < lanes.size(); ++i) {
        if (narrowed[i]) narrowed[i] = steps_.narrower(*narrowed[i], lanes[i]);
        if (narrowed[i] && !may_be(*narrowed[i])) narrowed[i].reset();
        if (!narrowed[i]) continue;
        can_go_on = true;
        for (const size_t to : lanes) {
          if (to == lanes[i]) continue;
          const Use wider = widest(*narrowed[i], to);
          tried += wider.tries;
          if (wider.spent > best.spent) best = wider;
        }
      }
    }
    return best.alive;
  }

  const Graph& graph_;
  const ChannelGroups& groups_;
  const Candidates& candidates_;
  const std::vector<Limit>& limits_;
  const SelectionOptions& options_;
  WidthSteps steps_;
  std::vector<ChannelId> weakest_first_;
  std::vector<const ChannelGroup*> branches_;  // Only where thin ones are to go.
};

}  // namespace

Candidates random_candidates(const ChannelGroups& groups, uint64_t seed) {
  const size_t count = at(groups.set_count());
  Candidates candidates{.values = std::vector<double>(count, 0),
                        .removable = std::vector<bool>(count, false)};
  Random random(seed);
  for (const ChannelGroup& group : groups.groups()) {
    const double share = random.uniform();
    for (size_t j = 0; j < group.sets.size(); ++j) {
      const ChannelId set = group.sets[j];
      candidates.values[at(set)] =
          share * static_cast<double>(j + 1) / static_cast<double>(group.sets.size());
      candidates.removable[at(set)] = !groups.pinned(set).has_value();
    }
  }
  return candidates;
}

std::vector<bool> keep_connected(const Graph& graph,
                                 const ChannelGroups& groups,
                                 const Candidates& candidates,
                                 std::vector<bool> alive) {
  std::vector<ChannelId> returned;
  while (!can_shrink(graph, groups, alive)) {
    const std::optional<ChannelId> back =
        strongest_of_dead_layers(graph, groups, candidates, alive);
    if (!back) shrink(graph, groups, alive);  // Says what is wrong.
    alive[at(back.value())] = true;
    returned.push_back(*back);
  }
  for (const ChannelId set : returned) {
    alive[at(set)] = false;
    if (!can_shrink(graph, groups, alive)) alive[at(set)] = true;
  }
  return alive;
}

void check_reachable(const Graph& graph,
                     const ChannelGroups& groups,
                     const Candidates& candidates,
                     const std::vector<Limit>& limits,
                     const SelectionOptions& options) {
  Selector(graph, groups, candidates, limits, options).check_reachable();
}

Selection select_channels(const Graph& graph,
                          const ChannelGroups& groups,
                          const Candidates& candidates,
                          const std::vector<Limit>& limits,
                          const SelectionOptions& options) {
  return Selector(graph, groups, candidates, limits, options).run();
}

}  // namespace morph
