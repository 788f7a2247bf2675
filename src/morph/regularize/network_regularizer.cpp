#include "morph/regularize/network_regularizer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "morph/base/error.h"
#include "morph/cost/network_cost.h"
#include "morph/regularize/flat_costs.h"
#include "morph/regularize/tied_gates.h"

namespace morph {

struct NetworkRegularizer::Tables {
  TiedGates tied;
  FlatCosts costs;
};

namespace {

std::vector<CostTable> make_tables(const Graph& graph,
                                   const ChannelBlocks& blocks,
                                   const std::vector<std::string>& costs,
                                   const CostOptions& options) {
  std::vector<CostTable> tables;
  for (const std::string& name : costs) {
    tables.push_back(make_cost_table(graph, blocks, *make_cost_model(name, options)));
  }
  return tables;
}

std::vector<Pool> pools_of(const TiedGates& tied) {
  std::vector<Pool> pools;
  for (size_t i = 0; i < tied.pool_sizes().size(); ++i) {
    pools.push_back({.block = tied.blocks_of_pools()[i], .size = tied.pool_sizes()[i]});
  }
  return pools;
}

std::unique_ptr<Gates> gates_for(const GateContext& context) {
  const RegularizerOptions& options = context.options;
  std::unique_ptr<Gates> gates =
      options.make_gates ? options.make_gates(context) : make_gates(options.gate, context);
  const std::string kind = options.make_gates ? "this kind of gate" : options.gate;
  if (options.combination == Combination::kProbabilistic && !gates->is_probability()) {
    throw Error(
        cat("tied gates can be combined as probabilities only if they are some, as those "
            "of logistic-sigmoid are; for ",
            kind,
            " take max, l2 or sum"));
  }
  if (options.proximal && !gates->has_proximal_step()) {
    throw Error(cat(kind, " has no proximal step, gamma and group-lasso have; leave proximal out"));
  }
  return gates;
}

}  // namespace

NetworkRegularizer::NetworkRegularizer(const GraphModule& module,
                                       const std::vector<std::string>& costs,
                                       const RegularizerOptions& options)
    : module_(module),
      options_(options),
      groups_(find_channel_groups(module.graph(), options.scope)),
      blocks_(find_channel_blocks(module.graph(), groups_)),
      gates_(gates_for({.module = module, .groups = groups_, .options = options_})),
      removable_(gated_sets(groups_, gates_->sites())) {
  const at::NoGradGuard no_grad;
  const TiedGates tied(gates_->sites(), removable_, blocks_, gates_->read().size);
  const std::vector<CostTable> tables = make_tables(module.graph(), blocks_, costs, options.cost);
  tables_ = std::make_unique<Tables>(
      Tables{tied, FlatCosts(tables, blocks_, pools_of(tied), module.device())});
  strengths_ = at::zeros({static_cast<int64_t>(costs.size())},
                         at::TensorOptions(at::kDouble).device(module.device()));
}

NetworkRegularizer::~NetworkRegularizer() = default;

void NetworkRegularizer::set_strengths(const std::vector<double>& strengths) {
  MORPH_CHECK(static_cast<int64_t>(strengths.size()) == strengths_.numel());
  strengths_.copy_(at::tensor(strengths));
}

at::Tensor NetworkRegularizer::term() const {
  const at::AutoGradMode record(true);
  const at::Tensor size = gates_->read().size;
  const Regularization now = evaluate();
  const at::Tensor value = at::dot(strengths_, now.terms);
  const at::Tensor slope = at::dot(size, now.slopes);
  return value.to(slope.scalar_type()) + (slope - slope.detach());
}

Regularization NetworkRegularizer::evaluate() const {
  const at::NoGradGuard no_grad;
  return evaluate(gates_->read());
}

/// Tied gates that are alive one by one keep their set alive: their largest is alive.
Combination NetworkRegularizer::combination_of_judged() const {
  return options_.combination == Combination::kL2 ? Combination::kL2 : Combination::kLargest;
}

Regularization NetworkRegularizer::evaluate(const GateValues& values) const {
  const TiedGates& tied = tables_->tied;
  const CombinedGates combined = tied.combine(values.size, options_.combination);
  const bool judges_size =
      !values.judged.defined() && combination_of_judged() == options_.combination;
  const at::Tensor judged =
      judges_size ? combined.by_set
                  : tied.combine(values.judged.defined() ? values.judged : values.size,
                                 combination_of_judged())
                        .by_set;
  const at::Tensor alive =
      gates_->includes_threshold() ? judged.ge(options_.threshold) : judged.gt(options_.threshold);
  const at::Tensor by_pool = tied.sum_by_pool(combined.by_set, alive);
  const FlatCosts::Slopes costs = tables_->costs.at(by_pool.select(0, 1));
  const at::Tensor prices = at::mv(costs.by_pool.t(), strengths_).to(values.size.scalar_type());
  return {.terms = at::mv(costs.by_pool, by_pool.select(0, 0)),
          .costs = costs.costs,
          .prices = prices,
          .slopes = tied.spread(prices, combined, options_.combination)};
}

Regularization NetworkRegularizer::accumulate_gradient() {
  Regularization result = evaluate();
  if (options_.proximal) {
    kept_prices_ = result.prices;
  } else {
    gates_->add_gradient(result.slopes);
  }
  return result;
}

void NetworkRegularizer::proximal_step(const at::Tensor& rate) {
  MORPH_CHECK(options_.proximal && kept_prices_.defined());
  const at::NoGradGuard no_grad;
  const TiedGates& tied = tables_->tied;
  const CombinedGates now = tied.combine(gates_->read().size, options_.combination);
  gates_->step_towards_zero(tied.spread(kept_prices_, now, options_.combination) * rate);
}

std::vector<double> NetworkRegularizer::set_values() const {
  const at::NoGradGuard no_grad;
  const GateValues values = gates_->judge();
  const at::Tensor judged = (values.judged.defined() ? values.judged : values.size)
                                .to(at::kCPU, at::kDouble)
                                .contiguous();
  const double* gate = judged.const_data_ptr<double>();
  const bool adds_squares = combination_of_judged() == Combination::kL2;
  std::vector<double> by_set(removable_.size(), 0.0);
  for (const GateSite& site : gates_->sites()) {
    for (const ChannelId set : site.sets) {
      double& value = by_set[static_cast<size_t>(set)];
      value = adds_squares ? std::hypot(value, *gate) : std::max(value, *gate);
      ++gate;
    }
  }
  return by_set;
}

std::vector<bool> NetworkRegularizer::alive(double threshold) const {
  const std::vector<double> values = set_values();
  std::vector<bool> alive;
  for (size_t set = 0; set < values.size(); ++set) {
    const bool is_above =
        gates_->includes_threshold() ? values[set] >= threshold : values[set] > threshold;
    alive.push_back(!removable_[set] || is_above);
  }
  return keep_least_widths(groups_, values, std::move(alive));
}

Structure NetworkRegularizer::structure() const { return structure(options_.threshold); }

Structure NetworkRegularizer::structure(double threshold) const {
  Structure structure = make_structure(module_.graph(), groups_, alive(threshold));
  for (auto& [name, layer] : structure.layers) layer.threshold = threshold;
  return structure;
}

}  // namespace morph
