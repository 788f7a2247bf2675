#include "morph/learn/learn.h"

#include <algorithm>
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
#include "morph/nn/fold_gates.h"
#include "morph/regularize/network_regularizer.h"
#include "morph/train/batch_norm.h"
#include "morph/transform/expand.h"
#include "morph/transform/insert_gates.h"

namespace morph {
namespace {

constexpr int64_t kStatisticsBatches = 50;
constexpr const char* kSeed = "seed";
constexpr const char* kLearned = "learned";
constexpr const char* kExpanded = "expanded";
constexpr const char* kUniform = "uniform";
constexpr const char* kScratch = "scratch";
constexpr const char* kLogisticSigmoid = "logistic-sigmoid";

const char* name_of(Comparison comparison) {
  switch (comparison) {
    case Comparison::kSeed:
      return kSeed;
    case Comparison::kUniform:
      return kUniform;
    case Comparison::kScratch:
      return kScratch;
  }
  throw InternalError("comparison without a name");
}

std::vector<std::string> regularized_costs(const LearnOptions& options) {
  std::vector<std::string> costs = options.costs;
  const bool follow_budgets = costs.empty();
  for (const Budget& budget : options.budgets) {
    if (follow_budgets && std::find(costs.begin(), costs.end(), budget.cost) == costs.end()) {
      costs.push_back(budget.cost);
    }
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
        costs_(regularized_costs(options)) {}

  LearnResult run() {
    refuse_hopeless();
    session_.folder.begin({{"network", print_graph(seed_.graph)},
                           {"data", session_.data.name},
                           {"options", describe(options_)}});
    judge_seed();
    Current current{.graph = seed_.graph, .params = seed_.params};
    std::optional<Current> shrunk;
    for (int64_t round = 1; round <= options_.rounds; ++round) {
      shrunk = shrink_round(current, round);
      current = options_.expand ? expand_round(*shrunk) : *shrunk;
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
    const Graph graph = with_gates({.graph = seed_.graph, .params = std::nullopt}).graph;
    const GraphModule module(graph, initial_params(graph, 0));
    const NetworkRegularizer regularizer(module, costs_, regularizer_options(graph));
    warn_of_held_costs(graph, regularizer);
    const Candidates unborn{.values = std::vector<double>(regularizer.removable().size(), 1.0),
                            .removable = regularizer.removable()};
    check_reachable(graph, regularizer.groups(), unborn, budget_limits());
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
      const TrainSummary summary = train(module, {.name = kSeed, .options = options_.retrain}, {});
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
    learn_structure(module, regularizer, round);

    const Candidates candidates{.values = regularizer.set_values(),
                                .removable = regularizer.removable()};
    const double floor = limits.empty() ? options_.threshold : options_.lowest_threshold;
    const Selection selection =
        select_channels(gated.graph, regularizer.groups(), candidates, limits, floor);
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
    return {.graph = plain.graph,
            .params = snapshot(shrunk),
            .epochs = current.epochs + options_.structure.epochs};
  }

  void learn_structure(GraphModule& module, NetworkRegularizer& regularizer, int64_t round) {
    const std::map<std::string, double> start =
        measure_costs(module.graph(), named_costs(options_));
    ControllerOptions control;
    std::map<std::string, double> shares;
    for (const std::string& name : costs_) {
      const double limit = budget_limit(name);
      control.costs.push_back(
          {.name = name, .seed = seed_costs_.at(name), .start = start.at(name), .limit = limit});
      if (limit < start.at(name)) shares[name] = limit / seed_costs_.at(name);
    }
    if (options_.strength) control.fixed_strengths.assign(costs_.size(), *options_.strength);
    const auto images = session_.data.train->size();
    const int64_t batch = options_.structure.batch_size;
    control.steps = options_.structure.epochs * ((images + batch - 1) / batch);
    BudgetController controller(regularizer, control);
    train(module,
          {.name = cat("structure-", round),
           .options = structure_options(round),
           .penalty = &controller,
           .callback = &controller},
          shares);
  }

  /// Each phase draws its own order and augmentation: retraining would otherwise see the very
  /// images again that the structure was learned on.
  TrainOptions structure_options(int64_t round) const {
    TrainOptions options = options_.structure;
    options.seed = mix_seeds(options.seed, static_cast<uint64_t>(round));
    return options;
  }

  /// The amount a cost may come to: the tightest of its budgets, or what the seed spends.
  double budget_limit(const std::string& cost) const {
    double limit = seed_costs_.at(cost);
    for (const Budget& budget : options_.budgets) {
      if (budget.cost == cost) limit = std::min(limit, budget.limit(seed_costs_.at(cost)));
    }
    return limit;
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
      session_.out << "  " << cost << " " << format_count(spent) << " ("
                   << format_count(spent / seed_costs_.at(cost)) << "x)";
    }
    session_.out << "  at threshold " << format_count(result_.threshold) << ", test "
                 << format_count(evaluation.top1) << " % before retraining\n";
  }

  /// Step 3: the largest width multiplier that the second budget allows.
  Current expand_round(const Current& shrunk) const {
    const Budget& budget = *options_.expand;
    const std::unique_ptr<CostModel> model = make_cost_model(budget.cost);
    const Expansion expansion = expand(shrunk.graph,
                                       *model,
                                       budget.limit(seed_costs_.at(budget.cost)),
                                       {.round_to = options_.round_to});
    return {.graph = expansion.graph, .params = std::nullopt, .epochs = 0};
  }

  void retrain(const std::string& name, Current network) {
    TrainedNetwork trained{
        .graph = network.graph,
        .epochs = (network.params ? network.epochs : 0) + options_.retrain.epochs,
        .costs = measure_costs(network.graph, named_costs(options_)),
        .note = network.params ? "weights inherited" : "from fresh weights"};
    GraphModule module = make_module(network.graph, network.params);
    trained.result = options_.retrain.epochs == 0
                         ? result_.after_cut
                         : train(module, {.name = name, .options = options_.retrain}, {}).final;
    trained.params = snapshot(module);
    result_.networks.emplace(name, std::move(trained));
  }

  void compare() {
    const TrainedNetwork& learned = result_.networks.at(kLearned);
    if (wants(Comparison::kScratch) && options_.inherit) {
      retrain(kScratch, {.graph = learned.graph, .params = std::nullopt});
    }
    if (wants(Comparison::kUniform)) {
      const std::string cost =
          options_.budgets.empty() ? costs_.front() : options_.budgets.front().cost;
      const Expansion uniform = expand(seed_.graph, *make_cost_model(cost), learned.costs.at(cost));
      retrain(kUniform, {.graph = uniform.graph, .params = std::nullopt});
      result_.networks.at(kUniform).note =
          cat("the seed's widths times ", format_count(uniform.multiplier), ", from fresh weights");
    }
  }

  const Session& session_;
  const LearnOptions& options_;
  const Network& seed_;
  Normalization normalization_;
  std::map<std::string, double> seed_costs_;
  std::vector<std::string> costs_;
  LearnResult result_;
};

}  // namespace

void validate(const LearnOptions& options) {
  if (options.budgets.empty() && !options.strength) {
    throw Error(
        "nothing says how small the network should get: give --budget, such as "
        "--budget flops=0.5x, or --strength");
  }
  if (options.budgets.empty() && options.costs.empty()) {
    throw Error("--strength without --budget needs --cost, the resource to charge, such as flops");
  }
  if (options.strength && !(*options.strength >= 0)) {
    throw Error(cat("--strength: expected 0 or more, got ", *options.strength));
  }
  if (options.rounds < 1) throw Error(cat("--rounds: expected 1 or more, got ", options.rounds));
  if (!(options.threshold > 0)) {
    throw Error(cat("--threshold: expected a number above 0, got ", options.threshold));
  }
  const std::vector<std::string> kinds = gate_kinds();
  if (std::ranges::find(kinds, options.gate) == kinds.end()) {
    throw Error(cat("--gate: expected ",
                    join(kinds, ", "),
                    ", got '",
                    options.gate,
                    "'.",
                    did_you_mean(options.gate, kinds)));
  }
  if (options.round_to < 1) {
    throw Error(cat("--round-to: expected 1 or more, got ", options.round_to));
  }
  validate(options.structure);
  if (options.retrain.epochs != 0) {
    validate(options.retrain);
  } else if (!options.inherit || options.expand || !options.compare.empty()) {
    throw Error(
        "--retrain-epochs 0 leaves the learned network as it was cut, so it goes with --inherit "
        "and --compare none and without --expand: nothing else is trained");
  }
}

GateThresholds default_thresholds(std::string_view gate) {
  // At inference a gate with p ≤ 1/2 is shut.
  if (gate == kLogisticSigmoid) return {.training = 0.5, .lowest = 1e-3};
  if (gate == "group-lasso") return {.training = 0.01, .lowest = 1e-3};
  return {.training = 0.05, .lowest = 1e-3};
}

nlohmann::json describe(const LearnOptions& options) {
  nlohmann::json budgets = nlohmann::json::array();
  for (const Budget& budget : options.budgets) budgets.push_back(budget.text());
  nlohmann::json compare = nlohmann::json::array();
  for (const Comparison comparison : options.compare) compare.push_back(name_of(comparison));
  nlohmann::json json = {{"budgets", budgets},
                         {"costs", regularized_costs(options)},
                         {"compare", compare},
                         {"rounds", options.rounds},
                         {"inherit", options.inherit},
                         {"gate", options.gate},
                         {"l1_fraction", options.l1_fraction},
                         {"combine", name_of(options.combination)},
                         {"proximal", options.proximal},
                         {"threshold", options.threshold},
                         {"lowest_threshold", options.lowest_threshold},
                         {"round_to", options.round_to},
                         {"scope", describe(options.scope)},
                         {"structure", describe(options.structure)},
                         {"retrain", describe(options.retrain)}};
  if (options.strength) json["strength"] = *options.strength;
  if (options.expand) json["expand"] = options.expand->text();
  return json;
}

LearnResult learn(const Session& session, const Network& seed, const LearnOptions& options) {
  validate(options);
  return Learning(session, seed, options).run();
}

}  // namespace morph
