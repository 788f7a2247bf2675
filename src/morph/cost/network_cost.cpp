#include "morph/cost/network_cost.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "morph/cost/node_work.h"

namespace morph {
namespace {

double alive_positions(const std::vector<BlockCount>& counts, const std::vector<double>& alive) {
  double total = 0;
  for (const BlockCount& count : counts) {
    total += static_cast<double>(count.positions) * alive[static_cast<size_t>(count.block)];
  }
  return total;
}

/// Coefficients per channel pair are fractions where convolutions have groups; what they add up to
/// is a whole number again but for rounding.
double whole_if_near(double cost) {
  const double whole = std::round(cost);
  return std::abs(cost - whole) <= 1e-12 * whole ? whole : cost;
}

/// How much of a row lives, and the form that is the largest then.
struct Spent {
  double in = 0;
  double out = 0;
  bool is_free = false;  ///< It has outputs, all of them dead, and is not charged for the rest.
  BilinearForm form = {};
};

Spent spent(const CostTable& table, const CostTable::Row& row, const std::vector<double>& alive) {
  Spent result{.in = alive_positions(row.in, alive), .out = alive_positions(row.out, alive)};
  result.is_free = result.out == 0 && !row.out.empty() && !table.charges_dead_rows;
  const auto is_cheaper = [&](const BilinearForm& a, const BilinearForm& b) {
    return a(result.in, result.out) < b(result.in, result.out);
  };
  result.form = *std::max_element(row.forms.begin(), row.forms.end(), is_cheaper);
  return result;
}

std::vector<double> sizes(const ChannelBlocks& blocks) {
  std::vector<double> counts;
  for (const auto& sets : blocks.sets) counts.push_back(static_cast<double>(sets.size()));
  return counts;
}

double combine(CostTotal how, double a, double b) {
  return how == CostTotal::kSumOfRows ? a + b : std::max(a, b);
}

}  // namespace

double CostTable::cost(const Row& row, const std::vector<double>& alive) const {
  const Spent now = spent(*this, row, alive);
  return now.is_free ? 0 : now.form(now.in, now.out);
}

double CostTable::total(const std::vector<double>& alive) const {
  double sum = 0;
  for (const Row& row : rows) sum = combine(total_of, sum, cost(row, alive));
  return sum;
}

CostTable::Slopes CostTable::slopes(const Row& row, const std::vector<double>& alive) const {
  const Spent now = spent(*this, row, alive);
  const BilinearForm& form = now.form;
  return {.in = now.is_free ? 0 : form.pair * now.out + form.per_in + form.slope_in,
          .out = form.pair * now.in + form.per_out};
}

std::vector<double> CostTable::prices(const std::vector<double>& alive) const {
  std::vector<double> result(alive.size(), 0);
  const auto charge = [&](const Row& row) {
    const Slopes at = slopes(row, alive);
    for (const BlockCount& count : row.in) {
      result[static_cast<size_t>(count.block)] += at.in * static_cast<double>(count.positions);
    }
    for (const BlockCount& count : row.out) {
      result[static_cast<size_t>(count.block)] += at.out * static_cast<double>(count.positions);
    }
  };
  if (total_of == Total::kSumOfRows) {
    for (const Row& row : rows) charge(row);
  } else if (!rows.empty()) {
    const auto is_cheaper = [&](const Row& a, const Row& b) {
      return cost(a, alive) < cost(b, alive);
    };
    charge(*std::max_element(rows.begin(), rows.end(), is_cheaper));
  }
  return result;
}

CostTable make_cost_table(const Graph& graph, const ChannelBlocks& blocks, const CostModel& model) {
  const Compat compat = model.options().compat;
  CostTable table{.total_of = model.total_of()};
  const bool has_moments = table.total_of == CostTotal::kLargest;
  table.charges_dead_rows = has_moments || compat == Compat::kMorphNet;
  std::vector<NodeWork> work =
      has_moments ? live_values(graph, blocks) : node_work(graph, blocks, compat);
  for (const NodeId id : graph.ids()) {
    NodeWork& node = work[index(id)];
    std::vector<BilinearForm> forms = model.forms(node.work);
    if (forms.empty()) continue;
    table.rows.push_back({.node = id,
                          .forms = std::move(forms),
                          .in = std::move(node.in),
                          .out = std::move(node.out)});
  }
  return table;
}

std::vector<double> node_costs(const Graph& graph,
                               const ChannelGroups& groups,
                               const CostModel& model) {
  const ChannelBlocks blocks = find_channel_blocks(graph, groups);
  const CostTable table = make_cost_table(graph, blocks, model);
  const std::vector<double> everything = sizes(blocks);
  std::vector<double> costs(graph.nodes().size(), 0);
  for (const CostTable::Row& row : table.rows) {
    costs[index(row.node)] = whole_if_near(table.cost(row, everything));
  }
  return costs;
}

double network_cost(const Graph& graph, const CostModel& model) {
  double total = 0;
  for (const double cost : node_costs(graph, find_channel_groups(graph), model)) {
    total = combine(model.total_of(), total, cost);
  }
  return total;
}

Structure with_layer_costs(Structure structure, const Graph& shrunk) {
  const ChannelGroups groups = find_channel_groups(shrunk);
  for (const std::string& cost : default_cost_names()) {
    const std::vector<double> costs = node_costs(shrunk, groups, *make_cost_model(cost));
    for (auto& [name, layer] : structure.layers) {
      const std::optional<NodeId> id = shrunk.find(name);
      layer.cost[cost] = id ? costs[index(*id)] : 0;
    }
  }
  return structure;
}

}  // namespace morph
