#pragma once

#include <vector>

#include "morph/analysis/channel_blocks.h"
#include "morph/analysis/channel_groups.h"
#include "morph/analysis/structure.h"
#include "morph/cost/cost_model.h"
#include "morph/ir/graph.h"

namespace morph {

/// The work of every node of a graph with inferred shapes, by node index. The numbers in a tensor
/// that several nodes share are the first one's.
std::vector<Work> node_work(const Graph& graph);

/// A cost model laid out over a network: the one table from which cost, budget and regularizer are
/// computed. `node` spends max over forms of F(in, out), where in = Σ over blocks of
/// positions · (how many sets of the block are alive), out alike.
struct CostTable {
  /// One node that costs something.
  struct Row {
    NodeId node = {};
    std::vector<BilinearForm> forms = {};
    std::vector<BlockCount> in = {};
    std::vector<BlockCount> out = {};
  };
  std::vector<Row> rows = {};

  /// The cost of one row, or of all, when `alive[b]` sets of block b are; may be fractional.
  double cost(const Row& row, const std::vector<double>& alive) const;
  double total(const std::vector<double>& alive) const;
};

/// `model` laid out over `graph`; nodes that cost nothing have no row.
CostTable make_cost_table(const Graph& graph, const ChannelBlocks& blocks, const CostModel& model);

/// The cost of each node of a graph in `model`'s unit, by node index.
std::vector<double> node_costs(const Graph& graph,
                               const ChannelGroups& groups,
                               const CostModel& model);

/// Their sum: exact while it is below 2^53.
double network_cost(const Graph& graph, const CostModel& model);

/// The structure with the cost of each layer in the shrunk network filled in, for every cost model;
/// 0 for layers that left it.
Structure with_layer_costs(Structure structure, const Graph& shrunk);

}  // namespace morph
