#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "morph/analysis/channel_groups.h"
#include "morph/ir/graph.h"

namespace morph {

/// Whether the channels of a layer can be learned away.
enum class Reach {
  kPrunable,     ///< Some of them can.
  kPinned,       ///< Something holds every one of them.
  kUnreachable,  ///< No output needs them, or no gate decides about those that nothing holds.
};

/// "prunable", "pinned", "unreachable".
std::string_view name_of(Reach reach);

/// Why some channels of a layer stay, and how the reason comes to the layer.
struct Hold {
  std::string reason = {};
  int64_t width = 0;              ///< How many channels of the layer it holds.
  std::vector<NodeId> path = {};  ///< From the layer to the node that pins, both included.

  bool operator==(const Hold&) const = default;
};

/// What can be learned of one layer.
struct LayerCoverage {
  NodeId node = {};
  Reach reach = Reach::kPrunable;
  int64_t width = 0;     ///< Its output channels.
  int64_t prunable = 0;  ///< How many of them are neither pinned nor without a gate.
  int64_t least = 0;     ///< How many the scope's limits ask to stay.
  std::vector<Hold> holds = {};
};

/// What can be learned of every node that has params, in topological order. `gated` says by set
/// which channels have a gate; empty: all have one.
std::vector<LayerCoverage> find_coverage(const Graph& graph,
                                         const ChannelGroups& groups,
                                         const std::vector<bool>& gated = {});

/// Throws Error that says what stands in the way and what to do about it if no layer is prunable.
/// `gate` is the kind of gate that `gated` speaks of, for the message.
void require_prunable(const Graph& graph,
                      const ChannelGroups& groups,
                      const std::vector<bool>& gated,
                      std::string_view gate);

/// "conv1, conv2, conv3, conv4, conv5, and 7 more": a list of any length for a message.
std::string first_names(std::vector<std::string> names);

/// "conv1 -> bn1 -> add": the names of nodes along a path.
std::string format_path(const Graph& graph, const std::vector<NodeId>& path);

}  // namespace morph
