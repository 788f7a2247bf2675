#include "morph/analysis/channel_blocks.h"

#include <algorithm>
#include <map>
#include <utility>

namespace morph {
namespace {

/// A partition of the sets that is split by one list of positions after the other.
class Refinement {
 public:
  explicit Refinement(const ChannelGroups& groups)
      : block_of_(static_cast<size_t>(groups.set_count()), 0), counts_(block_of_.size(), 0) {
    std::vector<ChannelId> pinned;
    for (ChannelId set = 0; set < groups.set_count(); ++set) {
      if (groups.pinned(set)) pinned.push_back(set);
    }
    split_by(pinned);
  }

  /// Separates sets that occur a different number of times in `ids`.
  void split_by(const std::vector<ChannelId>& ids) {
    std::vector<ChannelId> present;
    for (const ChannelId set : ids) {
      if (counts_[static_cast<size_t>(set)]++ == 0) present.push_back(set);
    }
    std::map<std::pair<int32_t, int64_t>, int32_t> pieces;
    for (const ChannelId set : present) {
      const auto i = static_cast<size_t>(set);
      const auto [it, is_new] = pieces.emplace(std::pair(block_of_[i], counts_[i]), next_);
      if (is_new) ++next_;
      block_of_[i] = it->second;
      counts_[i] = 0;
    }
  }

  /// The blocks numbered by their smallest set.
  std::vector<int32_t> blocks() const {
    std::map<int32_t, int32_t> numbers;
    std::vector<int32_t> result;
    for (const int32_t block : block_of_) {
      result.push_back(numbers.emplace(block, static_cast<int32_t>(numbers.size())).first->second);
    }
    return result;
  }

 private:
  std::vector<int32_t> block_of_;
  std::vector<int64_t> counts_;
  int32_t next_ = 1;
};

std::vector<BlockCount> count_blocks(const ChannelBlocks& blocks,
                                     const std::vector<ChannelId>& ids) {
  std::map<int32_t, int64_t> positions;
  for (const ChannelId set : ids) ++positions[blocks.block_of[static_cast<size_t>(set)]];
  std::vector<BlockCount> counts;
  for (const auto& [block, total] : positions) {
    const auto size = static_cast<int64_t>(blocks.sets[static_cast<size_t>(block)].size());
    counts.push_back({.block = block, .positions = total / size});
  }
  return counts;
}

}  // namespace

const std::vector<ChannelId>& input_channels(const Graph& graph,
                                             const ChannelGroups& groups,
                                             NodeId id) {
  static const std::vector<ChannelId> kNone;
  const std::vector<ChannelId>& mixed = groups.notes(id).reads;
  if (!mixed.empty()) return mixed;
  const std::vector<NodeId>& inputs = graph[id].inputs;
  return inputs.empty() ? kNone : groups.channels(inputs.front()).ids;
}

ChannelBlocks find_channel_blocks(const Graph& graph, const ChannelGroups& groups) {
  Refinement refinement(groups);
  for (const NodeId id : graph.ids()) {
    refinement.split_by(groups.channels(id).ids);
    const NodeChannels& notes = groups.notes(id);
    refinement.split_by(notes.reads);
    for (const ParamChannels& param : notes.params) refinement.split_by(param.ids);
  }
  ChannelBlocks blocks;
  blocks.block_of = refinement.blocks();
  for (ChannelId set = 0; set < groups.set_count(); ++set) {
    const auto block = static_cast<size_t>(blocks.block_of[static_cast<size_t>(set)]);
    if (block == blocks.sets.size()) {
      blocks.sets.emplace_back();
      blocks.pinned.push_back(groups.pinned(set).has_value());
    }
    blocks.sets[block].push_back(set);
  }
  for (const NodeId id : graph.ids()) {
    blocks.in.push_back(count_blocks(blocks, input_channels(graph, groups, id)));
    blocks.out.push_back(count_blocks(blocks, groups.channels(id).ids));
  }
  return blocks;
}

}  // namespace morph
