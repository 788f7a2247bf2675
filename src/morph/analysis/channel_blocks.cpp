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
    // Neighbours mostly fall into one piece: looked up once.
    std::pair<int32_t, int64_t> last = {-1, 0};
    int32_t piece = 0;
    for (const ChannelId set : present) {
      const auto i = static_cast<size_t>(set);
      const std::pair key(block_of_[i], counts_[i]);
      if (key != last) {
        const auto [it, is_new] = pieces.emplace(key, next_);
        if (is_new) ++next_;
        piece = it->second;
        last = key;
      }
      block_of_[i] = piece;
      counts_[i] = 0;
    }
  }

  /// The blocks numbered by their smallest set.
  std::vector<int32_t> blocks() const {
    std::vector<int32_t> numbers(static_cast<size_t>(next_), -1);
    int32_t count = 0;
    std::vector<int32_t> result;
    result.reserve(block_of_.size());
    for (const int32_t block : block_of_) {
      int32_t& number = numbers[static_cast<size_t>(block)];
      if (number < 0) number = count++;
      result.push_back(number);
    }
    return result;
  }

 private:
  std::vector<int32_t> block_of_;
  std::vector<int64_t> counts_;
  int32_t next_ = 1;
};

/// Counts positions by block; ends as it began, so that one does for all nodes.
class BlockCounter {
 public:
  explicit BlockCounter(const ChannelBlocks& blocks)
      : blocks_(blocks), positions_(blocks.count(), 0) {}

  std::vector<BlockCount> count(const std::vector<ChannelId>& ids) {
    std::vector<int32_t> present;
    for (const ChannelId set : ids) {
      const int32_t block = blocks_.block_of[static_cast<size_t>(set)];
      if (positions_[static_cast<size_t>(block)]++ == 0) present.push_back(block);
    }
    std::ranges::sort(present);
    std::vector<BlockCount> counts;
    for (const int32_t block : present) {
      const auto size = static_cast<int64_t>(blocks_.sets[static_cast<size_t>(block)].size());
      int64_t& positions = positions_[static_cast<size_t>(block)];
      counts.push_back({.block = block, .positions = positions / size});
      positions = 0;
    }
    return counts;
  }

 private:
  const ChannelBlocks& blocks_;
  std::vector<int64_t> positions_;
};

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
    const std::vector<ChannelId>& out = groups.channels(id).ids;
    const NodeChannels& notes = groups.notes(id);
    refinement.split_by(out);
    refinement.split_by(notes.reads);
    for (const ParamChannels& param : notes.params) {
      if (param.ids != out && param.ids != notes.reads) refinement.split_by(param.ids);
    }
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
  BlockCounter counter(blocks);
  for (const NodeId id : graph.ids()) {
    blocks.in.push_back(counter.count(input_channels(graph, groups, id)));
    blocks.out.push_back(counter.count(groups.channels(id).ids));
  }
  return blocks;
}

}  // namespace morph
