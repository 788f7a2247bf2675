#include "morph/learn/learn.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "morph/analysis/carried_scope.h"
#include "morph/base/error.h"
#include "morph/base/random.h"
#include "morph/base/strings.h"
#include "morph/cost/held_cost.h"
#include "morph/cost/network_cost.h"
#include "morph/ir/text.h"
#include "morph/learn/budget_controller.h"
#include "morph/learn/selection.h"
#include "morph/learn/stop_rule.h"
#include "morph/nn/fold_gates.h"
#include "morph/nn/widen.h"
#include "morph/regularize/network_regularizer.h"
#include "morph/report/resources.h"
#include "morph/train/batch_norm.h"
#include "morph/transform/expand.h"
#include "morph/transform/insert_gates.h"

namespace morph {
namespace {

constexpr int64_t kStatisticsBatches = 50;

/// Rounds go on by themselves while at least this share of all channels comes or goes.
constexpr double kConverged = 0.05;
constexpr int64_t kMostRounds = 6;

constexpr const char* kSeed = "seed";
constexpr const char* kLearned = "learned";
constexpr const char* kExpanded = "expanded";
constexpr const char* kUniform = "uniform";
constexpr const char* kScratch = "scratch";
constexpr const char* kLogisticSigmoid = "logistic-sigmoid";

/// Those, then the others that have a budget.
std::vector<std::string> measured_costs(const LearnOptions& options) {
  std::vector<std::string> costs = charged_costs(options);
  for (const Budget& budget : options.budgets) {
    if (std::ranges::find(costs, budget.cost) == costs.end()) costs.push_back(budget.cost);
  }
  return costs;
}

/// Every cost that the options name.
std::vector<std::string> named_costs(const LearnOptions& options) {
  std::vector<std::string> costs = options.costs;
  for (const Budget& budget : options.budgets) costs.push_back(budget.cost);
  if (options.expand) costs.push_back(options.expand->cost);
  return costs;
}

/// A network between the steps of the algorithm, and how much training is in its weights.
struct Current {
  Graph graph;
  std::optional<Params> params;  // None: fresh ones.
  int64_t epochs = 0;
};

/// One run of the algorithm.
class Learning {
 public:
  Learning(const Session& session, const Network& seed, const LearnOptions& options)
      : session_(session),
        options_(options),
        seed_(seed),
        normalization_(measure_normalization(*session.data.train)),
        seed_costs_(measure_costs(seed.graph, named_costs(options))),
        costs_(measured_costs(options)),
        charged_(charged_costs(options).size()) {}

  LearnResult run() {
    refuse_hopeless();
    session_.folder.begin({{"network", print_graph(seed_.graph)},
                           {"data", session_.data.name},
                           {"options", describe(options_)}});
    log_options(session_, describe(options_));
    judge_seed();
    Current current{.graph = seed_.graph, .params = seed_.params};
    std::optional<Current> shrunk;
    const bool is_automatic = options_.rounds == LearnOptions::kUntilConvergence;
    const int64_t most = is_automatic ? kMostRounds : options_.rounds;
    bool has_converged = false;
    for (int64_t round = 1; round <= most && !has_converged; ++round) {
      const std::optional<Current> before = std::exchange(shrunk, shrink_round(current, round));
      current = options_.expand ? expand_round(*shrunk) : *shrunk;
      if (before) note_change(before->graph, shrunk->graph);
      has_converged = is_automatic && before && result_.changes.back() < kConverged;
    }
    if (is_automatic) {
      session_.out << (has_converged ? "rounds: converged after " : "rounds: not converged after ")
                   << result_.changes.size() + 1 << "\n";
    }
    if (!options_.inherit) shrunk->params.reset();
    retrain(kLearned, std::move(*shrunk));
    if (options_.expand) retrain(kExpanded, std::move(current));
    compare();
    return std::move(result_);
  }

 private:
  /// Throws Error if nothing can be pruned or the budgets cannot be reached, before anything is
  /// trained.
  void refuse_hopeless() const {
    if (options_.retrain.distillation > 0 && !options_.teacher && !seed_.params &&
        !wants(Comparison::kSeed)) {
      throw Error(
          "--distill needs a trained network to teach: leave seed in --compare, give a NET that "
          "has weights, or --teacher");
    }
    const Graph graph = with_gates({.graph = seed_.graph, .params = std::nullopt}).graph;
    const GraphModule module(graph, initial_params(graph, 0));
    const NetworkRegularizer regularizer(module, costs_, regularizer_options(graph));
    warn_of_held_costs(graph, regularizer);
    const Candidates unborn{.values = std::vector<double>(regularizer.removable().size(), 1.0),
                            .removable = regularizer.removable()};
    check_reachable(graph, regularizer.groups(), unborn, budget_limits(), selection_options());
  }

  SelectionOptions selection_options() const {
    return {.floor = options_.budgets.empty() ? options_.threshold : options_.lowest_threshold,
            .round_to = options_.round_to,
            .min_branch = options_.min_branch};
  }

  /// Stochastic gates are charged by their probability, which has a slope wherever it is, but what
  /// is alive is counted by their masks: probabilities would all pass the threshold at once.
  RegularizerOptions regularizer_options(const Graph& graph) const {
    return {.threshold = options_.threshold,
            .gate = options_.gate,
            .l1_fraction = options_.l1_fraction,
            .combination = options_.combination,
            .proximal = options_.proximal,
            .regularize_on_mask = false,
            .scope = carried_scope(options_.scope, seed_.graph, graph)};
  }

  /// The network that the structure is learned on: with gates in it, if networks do not have the
  /// kind that was asked for.
  Current with_gates(const Current& current) const {
    const auto is_gate = [](const Node& node) { return node.op == "LogisticGate"; };
    const bool has_gates = std::ranges::any_of(current.graph.nodes(), is_gate);
    if (options_.gate != kLogisticSigmoid || has_gates) return current;
    const Graph gated =
        insert_gates(current.graph,
                     {.layers = InsertGatesOptions::Layers::kAll,
                      .scope = carried_scope(options_.scope, seed_.graph, current.graph)});
    const Params params =
        current.params ? *current.params : initial_params(current.graph, options_.retrain.seed);
    return {.graph = gated, .params = gated_params(gated, params), .epochs = current.epochs};
  }

  void warn_of_held_costs(const Graph& graph, const NetworkRegularizer& regularizer) const {
    for (const std::string& cost : costs_) {
      for (const std::string& warning : held_cost_warnings(
               graph, regularizer.groups(), regularizer.removable(), *make_cost_model(cost))) {
        session_.out << "warning: " << warning << "\n";
      }
    }
  }

  bool wants(Comparison comparison) const { return options_.compare.count(comparison) != 0; }

  GraphModule make_module(const Graph& graph, const std::optional<Params>& params) const {
    Params values = params ? *params : initial_params(graph, options_.retrain.seed);
    for (auto& [name, tensor] : values) tensor = tensor.clone();
    GraphModule module(graph, std::move(values));
    module.to(session_.device);
    return module;
  }

  /// The seed as it is, or trained as the learned network is going to be.
  void judge_seed() {
    TrainedNetwork seed{.graph = seed_.graph, .costs = seed_costs_};
    GraphModule module = make_module(seed_.graph, seed_.params);
    if (seed_.params) {
      seed.result = evaluate(module, *session_.data.test, normalization_);
      seed.note = "as given";
    } else if (wants(Comparison::kSeed)) {
      TrainOptions options = options_.retrain;
      options.distillation = 0;
      const TrainSummary summary = train(module, {.name = kSeed, .options = options}, {});
      seed.result = summary.final;
      seed.epochs = options_.retrain.epochs;
    }
    seed.params = snapshot(module);
    result_.networks.emplace(kSeed, std::move(seed));
  }

  TrainSummary train(GraphModule& module,
                     const TrainingPhase& phase,
                     const std::map<std::string, double>& limits) {
    TrainSummary summary = run_phase(session_, module, phase);
    result_.phases.push_back({.name = phase.name, .epochs = summary.epochs, .limits = limits});
    return summary;
  }

  /// Steps 1 and 2 of the algorithm: train with the regularizer, keep what lives.
  Current shrink_round(const Current& current, int64_t round) {
    const Current gated = with_gates(current);
    GraphModule module = make_module(gated.graph, gated.params);
    NetworkRegularizer regularizer(module, costs_, regularizer_options(gated.graph));
    const std::vector<Limit> limits = budget_limits();
    const int64_t epochs = learn_structure(module, regularizer, round);

    const Candidates candidates{.values = regularizer.set_values(),
                                .removable = regularizer.removable()};
    const Selection selection =
        select_channels(gated.graph, regularizer.groups(), candidates, limits, selection_options());
    Cut cut = cut_channels(gated.graph,
                           open_gates(gated.graph, snapshot(module)),
                           regularizer.groups(),
                           selection.alive);
    note_cut(gated.graph, regularizer.groups(), selection, cut);
    log_structure(session_, cat("cut-", round), result_.structure);
    result_.structure_of = current.graph;
    const Ungated plain = fold_gates(cut.graph, cut.params);
    GraphModule shrunk = make_module(plain.graph, plain.params);
    refresh_statistics(shrunk);
    report_cut(plain.graph, evaluate(shrunk, *session_.data.test, normalization_));
    return {.graph = plain.graph, .params = snapshot(shrunk), .epochs = current.epochs + epochs};
  }

  /// Returns how many epochs it took.
  int64_t learn_structure(GraphModule& module, NetworkRegularizer& regularizer, int64_t round) {
    const std::map<std::string, double> start = measure_costs(module.graph(), costs_);
    ControllerOptions control{.fixed_strength = options_.strength};
    std::map<std::string, double> shares;
    for (const std::string& name : costs_) {
      const std::optional<double> limit = budget_limit(name);
      control.costs.push_back({.name = name,
                               .seed = seed_costs_.at(name),
                               .start = start.at(name),
                               .limit = limit,
                               .is_charged = control.costs.size() < charged_});
      if (limit) shares[name] = *limit / seed_costs_.at(name);
    }
    const auto images = session_.data.train->size();
    const int64_t batch = options_.structure.batch_size;
    control.steps = options_.structure.epochs * ((images + batch - 1) / batch);
    BudgetController controller(regularizer, control);
    StopRule stop(regularizer, controller, {.epochs = options_.stable_epochs});
    const TrainSummary summary = train(module,
                                       {.name = cat("structure-", round),
                                        .options = structure_options(round),
                                        .penalty = &controller,
                                        .callbacks = {&controller, &stop}},
                                       shares);
    const auto epochs = static_cast<int64_t>(summary.epochs.size());
    if (epochs < options_.structure.epochs) {
      PhaseRecord& phase = result_.phases.back();
      phase.end = cat("ended after ",
                      epochs,
                      " of ",
                      options_.structure.epochs,
                      " epochs, its structure stable for ",
                      options_.stable_epochs);
      session_.out << phase.name << "  " << phase.end << "\n";
    }
    return epochs;
  }

  /// How much of the widths of all layers, taken together, differs between two rounds.
  void note_change(const Graph& before, const Graph& after) {
    const auto widths = [](const Graph& graph) {
      std::map<std::string, double> by_layer;
      const ChannelGroups groups = find_channel_groups(graph);
      for (const NodeId id : graph.ids()) {
        by_layer[graph[id].name] = static_cast<double>(groups.made_by(id).size());
      }
      return by_layer;
    };
    std::map<std::string, double> old = widths(before);
    double moved = 0;
    double all = 0;
    for (const auto& [layer, width] : widths(after)) {
      moved += std::abs(width - old[layer]);
      all += width;
      old.erase(layer);
    }
    for (const auto& [layer, width] : old) moved += width;
    result_.changes.push_back(moved / all);
    session_.out << "round " << result_.changes.size() + 1 << "  widths differ by "
                 << format_count(100 * result_.changes.back()) << " % from those of the round "
                 << "before\n";
  }

  /// Each phase draws its own order and augmentation: retraining would otherwise see the very
  /// images again that the structure was learned on.
  TrainOptions structure_options(int64_t round) const {
    TrainOptions options = options_.structure;
    options.seed = mix_seeds(options.seed, static_cast<uint64_t>(round));
    return options;
  }

  /// The amount a cost may come to: the tightest of its budgets, if it has any.
  std::optional<double> budget_limit(const std::string& cost) const {
    std::optional<double> tightest;
    for (const Budget& budget : options_.budgets) {
      if (budget.cost != cost) continue;
      const double limit = budget.limit(seed_costs_.at(cost));
      tightest = std::min(tightest.value_or(limit), limit);
    }
    return tightest;
  }

  std::vector<Limit> budget_limits() const {
    std::vector<Limit> limits;
    for (const Budget& budget : options_.budgets) {
      limits.push_back({.model = make_cost_model(budget.cost),
                        .amount = budget.limit(seed_costs_.at(budget.cost))});
    }
    return limits;
  }

  void note_cut(const Graph& graph,
                const ChannelGroups& groups,
                const Selection& selection,
                const Cut& cut) {
    result_.structure = with_layer_costs(make_structure(graph, groups, selection.alive), cut.graph);
    for (auto& [name, layer] : result_.structure.layers) layer.threshold = selection.threshold;
    result_.threshold = selection.threshold;
    for (size_t k = 0; k < options_.budgets.size(); ++k) {
      result_.budget_used[options_.budgets[k].text()] = selection.used[k];
    }
    result_.removed = cut.removed;
    result_.constants = cut.constants;
    result_.equivalence = std::max(result_.equivalence, cut.equivalence);
  }

  /// Running statistics are those of the uncut network; some batches tell the cut one's.
  void refresh_statistics(GraphModule& module) const {
    const std::unique_ptr<BatchSource> batches =
        make_batches(session_.data.train,
                     {.batch_size = options_.structure.batch_size,
                      .shuffle = true,
                      .drop_single = true,
                      .crop_padding = options_.structure.crop_padding,
                      .flip = options_.structure.flip,
                      .normalization = normalization_,
                      .seed = options_.structure.seed,
                      .workers = options_.structure.workers},
                     session_.device);
    reestimate_batch_norm(module, *batches, kStatisticsBatches);
  }

  void report_cut(const Graph& cut, const Evaluation& evaluation) {
    result_.after_cut = evaluation;
    session_.out << "cut";
    for (const std::string& cost : costs_) {
      const double spent = network_cost(cut, *make_cost_model(cost));
      session_.out << "  " << cost << " " << resource_amount(cost, spent) << " ("
                   << format_count(spent / seed_costs_.at(cost)) << "x)";
    }
    session_.out << "  at threshold " << format_count(result_.threshold) << ", test "
                 << format_count(evaluation.top1) << " % before retraining\n";
    report_unused();
  }

  /// Says so if the steps in which widths can change leave too much of every budget.
  void report_unused() const {
    const auto is_enough = [](const auto& budget) { return budget.second >= kEnoughUsed; };
    const auto is_whole = [](const auto& layer) {
      return layer.second.alive_width() == static_cast<int64_t>(layer.second.alive.size());
    };
    const auto& used = result_.budget_used;
    if (used.empty() || std::ranges::any_of(used, is_enough)) return;
    if (std::ranges::all_of(result_.structure.layers, is_whole)) return;
    session_.out << "note: less than " << 100 * kEnoughUsed << " % of the budget is used (";
    const char* separator = "";
    for (const auto& [budget, share] : used) {
      session_.out << separator << budget << ": " << format_count(100 * share) << " %";
      separator = ", ";
    }
    session_.out << "), for one step of a width costs more than is left"
                 << (options_.round_to > 1 ? cat(" (--round-to ", options_.round_to, ")") : "")
                 << "\n";
  }

  /// Step 3: the largest width multiplier that the second budget allows.
  Current expand_round(const Current& shrunk) {
    const Budget& budget = *options_.expand;
    const std::unique_ptr<CostModel> model = make_cost_model(budget.cost);
    const Expansion expansion = expand(shrunk.graph,
                                       *model,
                                       budget.limit(seed_costs_.at(budget.cost)),
                                       {.round_to = options_.round_to});
    if (!options_.inherit_wide) return {.graph = expansion.graph, .params = std::nullopt};
    const Widened wide = widen_params(shrunk.graph,
                                      *shrunk.params,
                                      {.graph = expansion.graph, .plan = expansion.plan},
                                      options_.retrain.seed);
    session_.out << "expanded with inherited weights, which differs by " << wide.difference
                 << " relative\n";
    return {.graph = expansion.graph, .params = wide.params, .epochs = shrunk.epochs};
  }

  const char* taught() const { return options_.retrain.distillation > 0 ? ", taught" : ""; }

  std::optional<GraphModule> teacher() const {
    if (options_.retrain.distillation == 0) return std::nullopt;
    if (options_.teacher) return make_teacher(*options_.teacher, session_.device);
    return make_teacher({.graph = seed_.graph, .params = result_.networks.at(kSeed).params},
                        session_.device);
  }

  void retrain(const std::string& name, Current network) {
    TrainedNetwork trained{
        .graph = network.graph,
        .epochs = (network.params ? network.epochs : 0) + options_.retrain.epochs,
        .costs = measure_costs(network.graph, named_costs(options_)),
        .note = cat(network.params ? "weights inherited" : "from fresh weights", taught())};
    GraphModule module = make_module(network.graph, network.params);
    if (options_.retrain.epochs == 0) {
      trained.result = result_.after_cut;
    } else {
      TrainOptions options = options_.retrain;
      if (network.params && options_.inherited_rate) {
        options.learning_rate = *options_.inherited_rate;
      }
      const std::optional<GraphModule> teaching = teacher();
      trained.result =
          train(module,
                {.name = name, .options = options, .teacher = teaching ? &*teaching : nullptr},
                {})
              .final;
    }
    trained.params = snapshot(module);
    result_.networks.emplace(name, std::move(trained));
  }

  void compare() {
    const TrainedNetwork& learned = result_.networks.at(kLearned);
    if (wants(Comparison::kScratch) && options_.inherit) {
      retrain(kScratch, {.graph = learned.graph, .params = std::nullopt});
    }
    if (wants(Comparison::kUniform)) {
      const std::string cost = scarcest_cost();
      const Expansion uniform = expand(seed_.graph,
                                       *make_cost_model(cost),
                                       learned.costs.at(cost),
                                       {.round_to = options_.round_to});
      retrain(kUniform, {.graph = uniform.graph, .params = std::nullopt});
      result_.networks.at(kUniform).note = cat("the seed's widths times ",
                                               format_count(uniform.multiplier),
                                               ", from fresh weights",
                                               taught());
    }
  }

  /// That of the budget of which most is spent.
  std::string scarcest_cost() const {
    std::string cost = costs_.front();
    double most = 0;
    for (const Budget& budget : options_.budgets) {
      const double used = result_.budget_used.at(budget.text());
      if (used > most) cost = budget.cost;
      most = std::max(most, used);
    }
    return cost;
  }

  const Session& session_;
  const LearnOptions& options_;
  const Network& seed_;
  Normalization normalization_;
  std::map<std::string, double> seed_costs_;
  std::vector<std::string> costs_;  // Those that are charged first.
  size_t charged_ = 0;              // How many.
  LearnResult result_;
};

}  // namespace

LearnResult learn(const Session& session, const Network& seed, const LearnOptions& options) {
  validate(options);
  return Learning(session, seed, options).run();
}

}  // namespace morph
