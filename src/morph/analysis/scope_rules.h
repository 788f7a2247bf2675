#pragma once

#include <cstdint>
#include <vector>

#include "morph/analysis/channel_scope.h"
#include "morph/ir/graph.h"
#include "morph/ops/channels.h"

namespace morph {

/// The layers of a graph and the channels that they make.
struct LayerChannels {
  std::vector<NodeId> layers = {};                ///< In topological order.
  std::vector<std::vector<ChannelId>> made = {};  ///< By node index; empty if it is no layer.

  const std::vector<ChannelId>& of(NodeId id) const { return made[index(id)]; }
};

/// Channels that one node pins.
struct NodePin {
  NodeId node = {};
  ChannelPin pin = {};
};

/// Ties what scope.tie names. Throws Error if a pattern matches fewer than two layers, or layers of
/// different widths.
void tie_layers(const Graph& graph,
                const LayerChannels& layers,
                const std::vector<std::string>& patterns,
                ChannelFlow& flow);

/// By node index: how many positions of a layer's output the scope's limits ask to stay. Throws
/// Error if a pattern matches no layer or an amount is out of range.
std::vector<int64_t> least_widths(const Graph& graph,
                                  const LayerChannels& layers,
                                  const ChannelScope& scope);

/// All that the scope pins: kept layers, those outside its boundary or limited to the width they
/// have, first channels. Throws Error if a pattern matches nothing.
std::vector<NodePin> scope_pins(const Graph& graph,
                                const LayerChannels& layers,
                                const ChannelScope& scope);

}  // namespace morph
