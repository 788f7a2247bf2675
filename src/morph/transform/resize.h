#pragma once

#include <cstdint>
#include <vector>

#include "morph/analysis/channel_groups.h"
#include "morph/ir/graph.h"
#include "morph/transform/rewrite.h"

namespace morph {

/// Rebuilds the graph with each channel set taken `copies[set]` times: 0 removes it, 1 keeps it,
/// more widens. Nodes that have no channels left, and with them what cannot do without
/// (OpDef::needs), leave the graph, as does what no output needs any more; an Add or Concat with
/// one input left is replaced by that input. Attributes and param shapes are rewritten, shapes
/// inferred again.
///
/// Throws Error naming the layers without channels if an output would be cut off, and Error naming
/// the node if a partly vanished input cannot be left out.
Rewrite resize_channels(const Graph& graph,
                        const ChannelGroups& groups,
                        const std::vector<int64_t>& copies);

/// What is left of a graph when channel sets are removed.
struct Survivors {
  std::vector<bool> nodes = {};  ///< By node index: has a value that is not empty.
  std::vector<bool> sets = {};   ///< By set: wanted, and some node that introduces it is left.
};

/// Follows the removal through the graph: a node vanishes with its channels or its inputs, and a
/// channel with the last node that introduces it, until nothing changes.
Survivors find_survivors(const Graph& graph,
                         const ChannelGroups& groups,
                         const std::vector<bool>& alive);

}  // namespace morph
