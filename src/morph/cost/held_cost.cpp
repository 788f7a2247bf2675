#include "morph/cost/held_cost.h"

#include <algorithm>
#include <utility>

#include "morph/analysis/channel_blocks.h"
#include "morph/analysis/coverage.h"
#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/cost/network_cost.h"

namespace morph {
namespace {

/// How many sets of each block stay whatever is learned.
std::vector<double> held_counts(const ChannelBlocks& blocks, const std::vector<bool>& removable) {
  std::vector<double> held(blocks.count(), 0);
  for (size_t set = 0; set < removable.size(); ++set) {
    if (!removable[set]) held[static_cast<size_t>(blocks.block_of[set])] += 1;
  }
  return held;
}

/// Why channels of a row stay: those it makes, or those it reads where it makes none that do.
std::string reason_of(const ChannelGroups& groups,
                      const ChannelBlocks& blocks,
                      const std::vector<bool>& removable,
                      const CostTable::Row& row) {
  for (const std::vector<BlockCount>* counts : {&row.out, &row.in}) {
    for (const BlockCount& count : *counts) {
      for (const ChannelId set : blocks.sets[static_cast<size_t>(count.block)]) {
        if (removable[static_cast<size_t>(set)]) continue;
        return groups.pinned(set).value_or("no gate");
      }
    }
  }
  return "it costs this much whatever its widths";
}

/// The rows that make up the network's cost.
std::vector<CostTable::Row> counted_rows(const CostTable& table, const std::vector<double>& alive) {
  if (table.total_of == CostTotal::kSumOfRows || table.rows.empty()) return table.rows;
  const auto costs_less = [&](const CostTable::Row& a, const CostTable::Row& b) {
    return table.cost(a, alive) < table.cost(b, alive);
  };
  return {*std::max_element(table.rows.begin(), table.rows.end(), costs_less)};
}

}  // namespace

std::vector<HeldCost> held_costs(const Graph& graph,
                                 const ChannelGroups& groups,
                                 const std::vector<bool>& removable,
                                 const CostModel& model) {
  const ChannelBlocks blocks = find_channel_blocks(graph, groups);
  const CostTable table = make_cost_table(graph, blocks, model);
  const std::vector<double> held = held_counts(blocks, removable);
  std::vector<double> all;
  for (const auto& sets : blocks.sets) all.push_back(static_cast<double>(sets.size()));
  const double total = table.total(all);
  std::vector<HeldCost> parts;
  for (const CostTable::Row& row : counted_rows(table, held)) {
    const double cost = table.cost(row, held);
    if (cost <= 0) continue;
    const std::string reason = reason_of(groups, blocks, removable, row);
    const auto has_reason = [&](const HeldCost& part) { return part.reason == reason; };
    auto part = std::find_if(parts.begin(), parts.end(), has_reason);
    if (part == parts.end()) part = parts.insert(part, {.reason = reason});
    part->nodes.push_back(row.node);
    part->share += cost / total;
  }
  std::stable_sort(parts.begin(), parts.end(), [](const HeldCost& a, const HeldCost& b) {
    return a.share > b.share;
  });
  return parts;
}

std::vector<std::string> held_cost_warnings(const Graph& graph,
                                            const ChannelGroups& groups,
                                            const std::vector<bool>& removable,
                                            const CostModel& model) {
  constexpr double kWorthAWord = 0.2;
  std::vector<std::string> warnings;
  for (const HeldCost& part : held_costs(graph, groups, removable, model)) {
    if (part.share <= kWorthAWord) continue;
    std::vector<std::string> names;
    for (const NodeId node : part.nodes) names.push_back(graph[node].name);
    warnings.push_back(cat(format_count(100 * part.share),
                           " % of ",
                           model.name(),
                           " cannot be pruned (",
                           part.reason,
                           "): ",
                           first_names(std::move(names))));
  }
  return warnings;
}

}  // namespace morph
