#include "morph/transform/pad.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "morph/analysis/channel_blocks.h"
#include "morph/analysis/channel_groups.h"
#include "morph/base/error.h"
#include "morph/cost/network_cost.h"
#include "morph/ir/text.h"
#include "morph/transform/resize.h"
#include "morph/transform/shrink.h"

namespace morph {
namespace {

/// ResNet-20 with widths of 11, 22 and 45 takes 1.7 times as long on an H200 as with 16, 24 and 48,
/// which are 1.5 times the FLOPs: libraries pad each operand anyway.
constexpr double kLargestGrowth = 2;

double flops(const Graph& graph) { return network_cost(graph, *make_cost_model("flops")); }

/// By set, how often it is taken: the last channel of a block several times, once for itself.
std::vector<int64_t> padded_copies(const Graph& graph,
                                   const ChannelGroups& groups,
                                   int64_t multiple) {
  const ChannelBlocks blocks = find_channel_blocks(graph, groups);
  const std::vector<bool> widenable = widenable_sets(groups);
  std::vector<int64_t> copies(static_cast<size_t>(groups.set_count()), 1);
  for (size_t block = 0; block < blocks.count(); ++block) {
    const auto& sets = blocks.sets[block];
    if (!widenable[static_cast<size_t>(sets.front())]) continue;
    const auto over = static_cast<int64_t>(sets.size()) % multiple;
    if (over != 0) copies[static_cast<size_t>(sets.back())] += multiple - over;
  }
  return copies;
}

/// By set of the padded graph: whether it is one that was there before. Of the copies of a set any
/// one will do.
std::vector<bool> sets_before(const Graph& graph,
                              const ChannelGroups& groups,
                              const Rewrite& padded,
                              const ChannelGroups& padded_groups) {
  std::vector<bool> before(static_cast<size_t>(padded_groups.set_count()), true);
  std::map<ChannelId, ChannelId> chosen;
  for (const NodeId id : graph.ids()) {
    const NodeId padded_id = padded.graph.find(graph[id].name).value();
    const auto& params = groups.notes(id).params;
    for (size_t i = 0; i < params.size(); ++i) {
      const std::vector<ChannelId>& copies = padded_groups.notes(padded_id).params[i].ids;
      const Slice& slice = padded.plan.at(graph[id].params.at(params[i].slot).tensor);
      const auto& taken = slice.keep[params[i].axis];
      if (!taken) continue;
      for (size_t position = 0; position < copies.size(); ++position) {
        const ChannelId set = params[i].ids[static_cast<size_t>((*taken)[position])];
        const ChannelId copy = copies[position];
        before[static_cast<size_t>(copy)] = chosen.emplace(set, copy).first->second == copy;
      }
    }
  }
  return before;
}

}  // namespace

std::optional<Padded> pad_channels(const Graph& graph, int64_t multiple) {
  MORPH_CHECK(multiple >= 1);
  const ChannelGroups groups = find_channel_groups(graph);
  const std::vector<int64_t> copies = padded_copies(graph, groups, multiple);
  if (std::ranges::all_of(copies, [](int64_t count) { return count == 1; })) return std::nullopt;
  Rewrite padded = resize_channels(graph, groups, copies);
  if (flops(padded.graph) > kLargestGrowth * flops(graph)) return std::nullopt;
  const ChannelGroups padded_groups = find_channel_groups(padded.graph);
  Rewrite back =
      shrink(padded.graph, padded_groups, sets_before(graph, groups, padded, padded_groups));
  if (print_graph(back.graph) != print_graph(graph)) return std::nullopt;
  return Padded{.graph = std::move(padded.graph), .back = std::move(back.plan)};
}

}  // namespace morph
