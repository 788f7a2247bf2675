#pragma once

#include <vector>

#include "morph/analysis/channel_blocks.h"
#include "morph/cost/cost_model.h"
#include "morph/ir/graph.h"

namespace morph {

/// The work of one row of a cost table and the blocks of channels that its `in` and `out` count.
struct NodeWork {
  Work work = {};
  std::vector<BlockCount> in = {};
  std::vector<BlockCount> out = {};
};

/// What every node of a graph with inferred shapes does, by node index: its op's rule, and beside
/// it what the node reads, writes and has for params. Trainable numbers in a tensor that several
/// nodes share are the first one's; the original counts them at each.
///
/// `in` counts channels; for a node that reads several values and mixes no channels (Add, Concat,
/// Mul), where the values may differ in size, it counts elements instead.
std::vector<NodeWork> node_work(const Graph& graph,
                                const ChannelBlocks& blocks,
                                Compat compat = Compat::kNone);

/// How much `counts` come to when everything is alive.
double full_count(const ChannelBlocks& blocks, const std::vector<BlockCount>& counts);

/// What is live while each node runs, by node index: `in` counts the elements of all values that
/// were made, or are being made, and are still to be read or returned. Views share the memory of
/// what they show; no value is overwritten in place. Views and inputs are no moments: they have no
/// `in`.
std::vector<NodeWork> live_values(const Graph& graph, const ChannelBlocks& blocks);

}  // namespace morph
