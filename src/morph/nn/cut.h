#pragma once

#include <string>
#include <vector>

#include "morph/analysis/channel_groups.h"
#include "morph/ir/graph.h"
#include "morph/nn/graph_module.h"
#include "morph/nn/params.h"

namespace morph {

/// What became of the constants that removed channels would still send to one node.
struct ConstantNote {
  std::string node = {};
  int64_t channels = 0;     ///< Removed channels among those it reads.
  bool folded = false;      ///< Added to its bias or to the BatchNormalization after it.
  double largest = 0;       ///< Of what they contribute to one output value, in absolute terms.
  std::string reason = {};  ///< Why it was not folded.

  bool operator==(const ConstantNote&) const = default;
};

/// A network after its dead channels were removed.
struct Cut {
  Graph graph = Graph();
  Params params = {};
  std::vector<std::string> removed = {};     ///< Nodes that left the graph.
  std::vector<ConstantNote> constants = {};  ///< Only nodes that a non-zero constant reached.
  double equivalence = 0;  ///< max |cut − masked| / max |masked| over sample inputs, in eval mode.
};

/// Removes the channel sets that are not alive from a network and its weights.
///
/// The reference is the masked network: at full size, with the weights and BN scales that make a
/// dead channel set to zero. Such a channel is a constant, f(β) of its BN shift, and its reader
/// gets a constant from it, W · f(β). Where that is the same at every position it is folded into
/// the reader's bias, or the running mean of the BatchNormalization that alone follows. Where it is
/// not (zero padding makes it smaller at the borders) or there is no place for it, the channel is
/// read as zero in the masked network too, and a note says so.
///
/// `params` may be on any device and stays as it is. Throws what shrink() throws, Error if the
/// network's output is not finite, and InternalError if the two networks differ by more than 1e-5.
Cut cut_channels(const Graph& graph,
                 const Params& params,
                 const ChannelGroups& groups,
                 const std::vector<bool>& alive);

}  // namespace morph
