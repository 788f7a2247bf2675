#pragma once

#include <cstdint>
#include <vector>

#include "morph/analysis/channel_groups.h"
#include "morph/ir/graph.h"

namespace morph {

/// How many positions of a node belong to each set of a block.
struct BlockCount {
  int32_t block = 0;
  int64_t positions = 0;  ///< Per set: 1, or H·W where a map was flattened.

  bool operator==(const BlockCount&) const = default;
};

/// Channel sets that occur in exactly the same places, equally often, are interchangeable: how many
/// of them live is all that a cost depends on. Networks have tens of thousands of sets but only
/// hundreds of such blocks, which is what makes costs and regularizers cheap to evaluate.
struct ChannelBlocks {
  std::vector<int32_t> block_of = {};             ///< By set.
  std::vector<std::vector<ChannelId>> sets = {};  ///< By block, ascending.
  std::vector<bool> pinned = {};  ///< By block; pinned and free sets never share one.
  std::vector<std::vector<BlockCount>> in = {};   ///< By node index: what it reads (or, if it mixes
                                                  ///< no channels, its first input).
  std::vector<std::vector<BlockCount>> out = {};  ///< By node index: its output.

  size_t count() const { return sets.size(); }
};

/// Found by partition refinement, in time linear in the number of positions of all values.
ChannelBlocks find_channel_blocks(const Graph& graph, const ChannelGroups& groups);

/// The channels a node reads: those it mixes, or those of its first input, or none.
const std::vector<ChannelId>& input_channels(const Graph& graph,
                                             const ChannelGroups& groups,
                                             NodeId id);

}  // namespace morph
