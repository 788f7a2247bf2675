#include <algorithm>
#include <string_view>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/learn/learn.h"
#include "morph/regularize/gates.h"

namespace morph {
namespace {

const char* name_of(Comparison comparison) {
  switch (comparison) {
    case Comparison::kSeed:
      return "seed";
    case Comparison::kUniform:
      return "uniform";
    case Comparison::kScratch:
      return "scratch";
  }
  throw InternalError("comparison without a name");
}

}  // namespace

std::vector<std::string> charged_costs(const LearnOptions& options) {
  std::vector<std::string> costs = options.costs;
  const bool follow_budgets = costs.empty();
  for (const Budget& budget : options.budgets) {
    if (follow_budgets && std::find(costs.begin(), costs.end(), budget.cost) == costs.end()) {
      costs.push_back(budget.cost);
    }
  }
  return costs;
}

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
  if (options.rounds < 0) {
    throw Error(cat("--rounds: expected 1 or more, or auto, got ", options.rounds));
  }
  if (options.rounds == LearnOptions::kUntilConvergence && !options.expand) {
    throw Error(
        "--rounds auto shrinks and expands until the widths no longer change: it needs --expand, "
        "such as --expand flops=1.0x");
  }
  if (options.stable_epochs < 0) {
    throw Error(cat("--stable-epochs: expected 0 or more, got ", options.stable_epochs));
  }
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
  if (!(options.min_branch >= 0 && options.min_branch <= 1)) {
    throw Error(cat("--min-branch: expected a share from 0 to 1, got ", options.min_branch));
  }
  if (options.inherit_wide && !options.expand) {
    throw Error("--inherit-expanded says how an expanded network begins: it needs --expand");
  }
  if (options.inherited_rate && !options.inherit && !options.inherit_wide) {
    throw Error(
        "--retrain-learning-rate is that of networks that keep their weights: it needs --inherit");
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
  if (gate == "logistic-sigmoid") return {.training = 0.5, .lowest = 1e-3};
  if (gate == "group-lasso") return {.training = 0.01, .lowest = 1e-3};
  return {.training = 0.05, .lowest = 1e-3};
}

nlohmann::json describe(const LearnOptions& options) {
  nlohmann::json budgets = nlohmann::json::array();
  for (const Budget& budget : options.budgets) budgets.push_back(budget.text());
  nlohmann::json compare = nlohmann::json::array();
  for (const Comparison comparison : options.compare) compare.push_back(name_of(comparison));
  nlohmann::json json = {{"budgets", budgets},
                         {"costs", charged_costs(options)},
                         {"compare", compare},
                         {"stable_epochs", options.stable_epochs},
                         {"inherit", options.inherit},
                         {"inherit_expanded", options.inherit_wide},
                         {"gate", options.gate},
                         {"l1_fraction", options.l1_fraction},
                         {"combine", name_of(options.combination)},
                         {"proximal", options.proximal},
                         {"threshold", options.threshold},
                         {"lowest_threshold", options.lowest_threshold},
                         {"round_to", options.round_to},
                         {"min_branch", options.min_branch},
                         {"scope", describe(options.scope)},
                         {"structure", describe(options.structure)},
                         {"retrain", describe(options.retrain)}};
  const bool is_automatic = options.rounds == LearnOptions::kUntilConvergence;
  json["rounds"] = is_automatic ? nlohmann::json("auto") : nlohmann::json(options.rounds);
  if (options.inherited_rate) json["retrain_learning_rate"] = *options.inherited_rate;
  if (options.teacher) {
    json["teacher"] = options.teacher->graph.name();
    json["teacher_weights"] = fingerprint(*options.teacher->params);
  }
  if (options.strength) json["strength"] = *options.strength;
  if (options.expand) json["expand"] = options.expand->text();
  return json;
}

}  // namespace morph
