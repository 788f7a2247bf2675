#pragma once

#include <vector>

#include "morph/analysis/channel_blocks.h"
#include "morph/analysis/channel_groups.h"
#include "morph/analysis/structure.h"
#include "morph/cost/cost_model.h"
#include "morph/ir/graph.h"

namespace morph {

/// A cost model laid out over a network: the one table from which cost, budget and regularizer are
/// computed. A row spends max over forms of F(in, out), where in = Σ over blocks of
/// positions · (how many sets of the block are alive), out alike.
struct CostTable {
  using Total = CostTotal;

  /// One node that costs something, or one moment of the forward pass.
  struct Row {
    NodeId node = {};
    std::vector<BilinearForm> forms = {};
    std::vector<BlockCount> in = {};   ///< Of this row: another cost may count another `in`.
    std::vector<BlockCount> out = {};  ///< Empty for a moment.
  };

  /// The slopes of a row's cost.
  struct Slopes {
    double in = 0;
    double out = 0;
  };

  std::vector<Row> rows = {};

  /// The network costs the sum of its rows or the largest of them.
  Total total_of = Total::kSumOfRows;

  /// True where a row whose outputs are all dead still pays for what it reads: for moments, which
  /// have no outputs, and in the original. Else such a row costs nothing, for it is removed.
  bool charges_dead_rows = false;

  /// The cost of one row, or of the network, when `alive[b]` sets of block b are; may be
  /// fractional.
  double cost(const Row& row, const std::vector<double>& alive) const;
  double total(const std::vector<double>& alive) const;

  /// The slopes of the form that is the largest, the first of equals; 0 by `in` for a row without
  /// living outputs, unless it is charged.
  Slopes slopes(const Row& row, const std::vector<double>& alive) const;

  /// By block, the slope of the total in how many of its sets are alive: the price of one set.
  /// Where the largest row counts, the slope of that one, the first of equals.
  std::vector<double> prices(const std::vector<double>& alive) const;
};

/// `model` laid out over `graph`; nodes that cost nothing have no row.
CostTable make_cost_table(const Graph& graph, const ChannelBlocks& blocks, const CostModel& model);

/// The cost of each row of a graph in `model`'s unit, by node index; 0 for nodes without one.
std::vector<double> node_costs(const Graph& graph,
                               const ChannelGroups& groups,
                               const CostModel& model);

/// What the network costs: exact while it is whole and below 2^53.
double network_cost(const Graph& graph, const CostModel& model);

/// The structure with the cost of each layer in the shrunk network filled in, for the costs that
/// are reported by default; 0 for layers that left it.
Structure with_layer_costs(Structure structure, const Graph& shrunk);

}  // namespace morph
