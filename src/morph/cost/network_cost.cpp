#include "morph/cost/network_cost.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace morph {
namespace {

double alive_positions(const std::vector<BlockCount>& counts, const std::vector<double>& alive) {
  double total = 0;
  for (const BlockCount& count : counts) {
    total += static_cast<double>(count.positions) * alive[static_cast<size_t>(count.block)];
  }
  return total;
}

double largest(const std::vector<BilinearForm>& forms, double in, double out) {
  double cost = 0;
  for (const BilinearForm& form : forms) cost = std::max(cost, form(in, out));
  return cost;
}

/// Coefficients per channel pair are fractions where convolutions have groups; what they add up to
/// is a whole number again but for rounding.
double whole_if_near(double cost) {
  const double whole = std::round(cost);
  return std::abs(cost - whole) <= 1e-12 * whole ? whole : cost;
}

/// `work` without the trainable numbers of tensors that are in `seen`; adds the node's to it.
Work without_seen(Work work, const Node& node, std::set<std::string>& seen) {
  for (const Slot& slot : op_def(node.op).slots) {
    const auto param = node.params.find(std::string(slot.name));
    if (!slot.trainable || param == node.params.end()) continue;
    if (seen.insert(param->second.tensor).second) continue;
    if (work.is_layer() && slot.name == "weight") {
      work.weights_per_pair = work.weights_per_output = 0;
    } else {
      work.offsets_per_output -= 1;
    }
  }
  return work;
}

}  // namespace

std::vector<Work> node_work(const Graph& graph) {
  std::vector<Work> work;
  std::vector<Shape> inputs;
  std::set<std::string> seen;
  for (const Node& node : graph.nodes()) {
    inputs.clear();
    for (const NodeId input : node.inputs) inputs.push_back(graph[input].shape);
    work.push_back(without_seen(op_def(node.op).work(node, inputs), node, seen));
  }
  return work;
}

double CostTable::cost(const Row& row, const std::vector<double>& alive) const {
  return largest(row.forms, alive_positions(row.in, alive), alive_positions(row.out, alive));
}

double CostTable::total(const std::vector<double>& alive) const {
  double sum = 0;
  for (const Row& row : rows) sum += cost(row, alive);
  return sum;
}

CostTable make_cost_table(const Graph& graph, const ChannelBlocks& blocks, const CostModel& model) {
  CostTable table;
  const std::vector<Work> work = node_work(graph);
  for (const NodeId id : graph.ids()) {
    std::vector<BilinearForm> forms = model.forms(work[index(id)]);
    if (forms.empty()) continue;
    table.rows.push_back({.node = id,
                          .forms = std::move(forms),
                          .in = blocks.in[index(id)],
                          .out = blocks.out[index(id)]});
  }
  return table;
}

std::vector<double> node_costs(const Graph& graph,
                               const ChannelGroups& groups,
                               const CostModel& model) {
  const std::vector<Work> work = node_work(graph);
  std::vector<double> costs;
  for (const NodeId id : graph.ids()) {
    const auto in = static_cast<double>(input_channels(graph, groups, id).size());
    const auto out = static_cast<double>(groups.channels(id).ids.size());
    costs.push_back(whole_if_near(largest(model.forms(work[index(id)]), in, out)));
  }
  return costs;
}

double network_cost(const Graph& graph, const CostModel& model) {
  double sum = 0;
  for (const double cost : node_costs(graph, find_channel_groups(graph), model)) sum += cost;
  return sum;
}

Structure with_layer_costs(Structure structure, const Graph& shrunk) {
  const ChannelGroups groups = find_channel_groups(shrunk);
  for (const std::string& cost : cost_model_names()) {
    const std::vector<double> costs = node_costs(shrunk, groups, *make_cost_model(cost));
    for (auto& [name, layer] : structure.layers) {
      const std::optional<NodeId> id = shrunk.find(name);
      layer.cost[cost] = id ? costs[index(*id)] : 0;
    }
  }
  return structure;
}

}  // namespace morph
