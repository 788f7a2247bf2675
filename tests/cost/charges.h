#pragma once

#include <map>
#include <string>
#include <vector>

#include "morph/analysis/channel_blocks.h"
#include "morph/cost/network_cost.h"
#include "morph/ir/graph.h"

namespace morph {

/// What nodes cost with some channels alive, and what the regularizer charges them.
struct Charges {
  std::map<std::string, double> cost = {};
  std::map<std::string, double> term = {};

  /// Sums over the nodes of these names, or over all.
  static double sum(const std::map<std::string, double>& values) {
    double total = 0;
    for (const auto& [name, value] : values) total += value;
    return total;
  }
};

/// Σ_{i of the row's channels} r_i, with `values[b]` the sum of r over the sets of block b.
inline double weighted(const std::vector<BlockCount>& counts, const std::vector<double>& values) {
  double total = 0;
  for (const BlockCount& count : counts) {
    total += static_cast<double>(count.positions) * values[static_cast<size_t>(count.block)];
  }
  return total;
}

/// Every row of `table`, by the name of its node, when `alive[b]` sets of block b are and their r
/// come to `r[b]`.
inline Charges charges(const Graph& graph,
                       const CostTable& table,
                       const std::vector<double>& alive,
                       const std::vector<double>& r) {
  Charges result;
  for (const CostTable::Row& row : table.rows) {
    const std::string& name = graph[row.node].name;
    const CostTable::Slopes slopes = table.slopes(row, alive);
    result.cost[name] = table.cost(row, alive);
    result.term[name] = slopes.in * weighted(row.in, r) + slopes.out * weighted(row.out, r);
  }
  return result;
}

/// A model laid out over a graph.
inline CostTable table_of(const Graph& graph, const CostModel& model) {
  return make_cost_table(graph, find_channel_blocks(graph, find_channel_groups(graph)), model);
}

}  // namespace morph
