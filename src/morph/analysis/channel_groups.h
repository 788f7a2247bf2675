#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "morph/analysis/channel_scope.h"
#include "morph/ir/graph.h"
#include "morph/ops/channels.h"

namespace morph {

/// Layers whose output channels are tied to each other, wholly or in part.
struct ChannelGroup {
  std::vector<NodeId> layers = {};   ///< Convolutions and dense layers that make the channels.
  std::vector<NodeId> scales = {};   ///< BatchNormalization nodes on these channels.
  std::vector<ChannelId> sets = {};  ///< The channel sets of the group.
  int64_t prunable = 0;              ///< How many of the sets are not pinned.
  std::string pinned = {};           ///< Why the others are; empty if none is.
};

/// The partition of all channels of a graph into sets that are kept or removed together. After the
/// analysis a ChannelId is the number of such a set: 0 … set_count()-1, in order of first use.
class ChannelGroups {
 public:
  int32_t set_count() const { return static_cast<int32_t>(pinned_.size()); }

  /// Why the set may not be removed; nothing if it may.
  const std::optional<std::string>& pinned(ChannelId set) const {
    return pinned_[static_cast<size_t>(set)];
  }

  /// The node that pins the set: the op without a rule, the output, the layer that is kept.
  std::optional<NodeId> pinned_at(ChannelId set) const {
    return pinned_at_[static_cast<size_t>(set)];
  }

  /// The channels of a node's output. Sets that were tied later may make an axis that varies here
  /// repeat itself: (g, C/g) from a reshape has g equal rows.
  const Channels& channels(NodeId id) const { return channels_[index(id)]; }

  /// The channels that the node's params carry and that it reads.
  const NodeChannels& notes(NodeId id) const { return notes_[index(id)]; }

  /// The output channels of a layer (an op that makes channels), one per position of its weight's
  /// output axis; empty for any other node.
  const std::vector<ChannelId>& made_by(NodeId id) const { return made_[index(id)]; }

  /// How many positions of a layer's output have to stay, by the scope's limits; 0 for other nodes.
  int64_t least_width(NodeId id) const { return least_width_[index(id)]; }

  /// Layers tied to each other, in topological order of their first layer.
  const std::vector<ChannelGroup>& groups() const { return groups_; }

  /// The index into groups() of the group that holds a layer, or nothing for other nodes.
  std::optional<size_t> group_of(NodeId id) const { return group_of_[index(id)]; }

 private:
  friend ChannelGroups find_channel_groups(const Graph& graph, const ChannelScope& scope);

  std::vector<std::optional<std::string>> pinned_;
  std::vector<std::optional<NodeId>> pinned_at_;
  std::vector<Channels> channels_;
  std::vector<NodeChannels> notes_;
  std::vector<std::vector<ChannelId>> made_;
  std::vector<int64_t> least_width_;
  std::vector<ChannelGroup> groups_;
  std::vector<std::optional<size_t>> group_of_;
};

/// Follows every channel from the op that makes it through the graph (shapes must be inferred).
/// Pinned are the network's inputs and outputs, what an op without a rule reads, channels that no
/// output needs, and what `scope` keeps. Throws Error where the scope does not fit the network.
ChannelGroups find_channel_groups(const Graph& graph, const ChannelScope& scope = {});

/// By set: whether it may be taken several times. Not if it is pinned, and not if no layer makes
/// it: a sum over channels has one channel by what it is.
std::vector<bool> widenable_sets(const ChannelGroups& groups);

/// `alive` with as few sets more, the strongest by `values` first, as it takes for every layer to
/// keep its least_width(). Both are by set.
std::vector<bool> keep_least_widths(const ChannelGroups& groups,
                                    const std::vector<double>& values,
                                    std::vector<bool> alive);

}  // namespace morph
