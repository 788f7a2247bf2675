#include "morph/cli/cost_report.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include <ATen/core/Tensor.h>

#include "morph/base/error.h"
#include "morph/cost/network_cost.h"
#include "morph/regularize/network_regularizer.h"

namespace morph {
namespace {

/// The original has no channels that must stay but those of its inputs.
ChannelScope scope_of(const CostQuestion& question) {
  ChannelScope scope = question.scope;
  if (question.options.compat == Compat::kMorphNet) scope.outputs = OutputChannels::kFree;
  return scope;
}

/// By block, what its sets add up to.
std::vector<double> sum_by_block(const ChannelBlocks& blocks, const std::vector<double>& by_set) {
  std::vector<double> sums(blocks.count(), 0);
  for (size_t set = 0; set < by_set.size(); ++set) {
    sums[static_cast<size_t>(blocks.block_of[set])] += by_set[set];
  }
  return sums;
}

double positions(const std::vector<BlockCount>& counts, const std::vector<double>& by_block) {
  double sum = 0;
  for (const BlockCount& count : counts) {
    sum += static_cast<double>(count.positions) * by_block[static_cast<size_t>(count.block)];
  }
  return sum;
}

/// Gathers the report of one network.
class CostReporter {
 public:
  CostReporter(const Graph& graph, const CostQuestion& question)
      : graph_(graph),
        question_(question),
        groups_(find_channel_groups(graph, scope_of(question))),
        blocks_(find_channel_blocks(graph, groups_)) {
    for (const std::string& cost : question.costs) {
      models_.push_back(make_cost_model(cost, question.options));
      tables_.push_back(make_cost_table(graph, blocks_, *models_.back()));
      report_.names.push_back(cost);
      report_.units.emplace_back(models_.back()->unit());
      report_.totals.push_back({.total = network_cost(graph, *models_.back())});
    }
    for (const NodeId id : graph.ids()) {
      report_.lines.push_back({.name = graph[id].name,
                               .op = graph[id].op,
                               .in = input_channels(graph, groups_, id).size(),
                               .out = groups_.channels(id).ids.size(),
                               .figures = std::vector<CostFigures>(models_.size())});
    }
    for (size_t k = 0; k < models_.size(); ++k) {
      const std::vector<double> costs = node_costs(graph, groups_, *models_[k]);
      for (size_t i = 0; i < costs.size(); ++i) report_.lines[i].figures[k].total = costs[i];
    }
  }

  void read_gates(const Params& params) {
    RegularizerOptions options = question_.gates.options();
    options.cost = question_.options;
    options.scope = scope_of(question_);
    const GraphModule module(graph_, in_double(params));
    NetworkRegularizer regularizer(module, question_.costs, options);
    const std::vector<double> r = regularizer.set_values();
    const std::vector<bool> alive = regularizer.alive(options.threshold);
    note_slopes(regularizer, r);
    note_lines(std::vector<double>(alive.begin(), alive.end()), charged(regularizer, r));
  }

  CostReport take() {
    const auto is_free = [&](const CostLine& line) {
      return std::all_of(line.figures.begin(), line.figures.end(), [](const CostFigures& figures) {
        return figures.total == 0;
      });
    };
    std::erase_if(report_.lines, is_free);
    return std::move(report_);
  }

 private:
  static std::vector<double> charged(const NetworkRegularizer& regularizer, std::vector<double> r) {
    for (size_t set = 0; set < r.size(); ++set) {
      if (!regularizer.removable()[set]) r[set] = 0;
    }
    return r;
  }

  /// Totals and slopes as training sees them, one cost at a time.
  void note_slopes(NetworkRegularizer& regularizer, const std::vector<double>& r) {
    for (size_t k = 0; k < models_.size(); ++k) {
      std::vector<double> strengths(models_.size(), 0);
      strengths[k] = 1;
      regularizer.set_strengths(strengths);
      const Regularization now = regularizer.evaluate();
      const at::Tensor slopes = now.slopes.to(at::kDouble).contiguous();
      const double* slope = slopes.const_data_ptr<double>();
      report_.totals[k].alive = now.costs.select(0, static_cast<int64_t>(k)).item<double>();
      report_.totals[k].term = now.terms.select(0, static_cast<int64_t>(k)).item<double>();
      std::map<std::string, double>& by_layer = report_.slopes.emplace_back();
      for (const GateSite& site : regularizer.sites()) {
        double& sum = by_layer[graph_[site.node].name];
        for (const ChannelId set : site.sets) {
          // A gate at 0 has the sub-gradient 0.
          if (r[static_cast<size_t>(set)] > 0) sum += std::abs(*slope);
          ++slope;
        }
      }
    }
  }

  void note_lines(const std::vector<double>& alive, const std::vector<double>& r) {
    const std::vector<double> alive_by_block = sum_by_block(blocks_, alive);
    const std::vector<double> r_by_block = sum_by_block(blocks_, r);
    for (const NodeId id : graph_.ids()) {
      const double width = positions(blocks_.out[index(id)], alive_by_block);
      report_.lines[index(id)].alive = static_cast<size_t>(width);
    }
    for (size_t k = 0; k < tables_.size(); ++k) {
      for (const CostTable::Row& row : tables_[k].rows) {
        const CostTable::Slopes slopes = tables_[k].slopes(row, alive_by_block);
        CostFigures& figures = report_.lines[index(row.node)].figures[k];
        figures.alive = tables_[k].cost(row, alive_by_block);
        figures.term =
            slopes.in * positions(row.in, r_by_block) + slopes.out * positions(row.out, r_by_block);
      }
    }
  }

  const Graph& graph_;
  const CostQuestion& question_;
  ChannelGroups groups_;
  ChannelBlocks blocks_;
  std::vector<std::unique_ptr<CostModel>> models_ = {};
  std::vector<CostTable> tables_ = {};
  CostReport report_ = {};
};

}  // namespace

CostReport report_costs(const Network& network, const CostQuestion& question) {
  CostReporter reporter(network.graph, question);
  if (question.gates.are_given()) {
    if (!network.params) {
      throw Error(cat("network '",
                      network.graph.name(),
                      "' has no weights to read gates from; train it first, or name a file of them "
                      "with --weights"));
    }
    reporter.read_gates(*network.params);
  }
  return reporter.take();
}

}  // namespace morph
