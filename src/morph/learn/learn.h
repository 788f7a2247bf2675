#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "morph/analysis/channel_scope.h"
#include "morph/analysis/structure.h"
#include "morph/checkpoint/network_file.h"
#include "morph/learn/budget.h"
#include "morph/learn/session.h"
#include "morph/nn/cut.h"
#include "morph/regularize/regularizer_options.h"
#include "morph/train/trainer.h"

namespace morph {

/// Networks that can be trained beside the learned one, for comparison.
enum class Comparison {
  kSeed,     ///< The seed, trained as the learned network is retrained.
  kUniform,  ///< The seed with all widths scaled alike to the learned network's cost, likewise.
  kScratch,  ///< The learned structure from fresh weights, where the result inherits them.
};

/// What to learn and how.
struct LearnOptions {
  std::vector<Budget> budgets = {};
  std::vector<std::string> costs = {};  ///< What the regularizer charges; empty: the budgets'.
  std::optional<double> strength = {};  ///< Fixed; by default it follows the budgets.
  std::optional<Budget> expand = {};    ///< After shrinking, widen up to this.
  int64_t rounds = 1;                   ///< Of shrinking and expanding, or kUntilConvergence.
  static constexpr int64_t kUntilConvergence = 0;  ///< Until widths hardly change from one round to
                                                   ///< the next, or six times.
  int64_t stable_epochs = 5;  ///< Learning a structure ends when it has been stable for so many
                              ///< epochs (StopRule); 0: never early.
  /// Of the phase in which the structure is learned. It goes on moving to the end, so the rate does
  /// not fall to zero; and the gates shrink by their price alone, not by weight decay. Both were
  /// measured to do better; where BN scales are no gates, their decay is right (docs/recipes.md).
  TrainOptions structure = {.final_rate = 0.1, .decay_scales = false};
  TrainOptions retrain = {};  ///< Of the seed and of every network that comes out. Its distillation
                              ///< is for the latter alone.
  std::optional<Network> teacher = {};  ///< Teaches them, where retrain.distillation is above 0;
                                        ///< by default the seed, as it was given or is trained.
  bool inherit = false;                 ///< Retrain the learned network from the weights it has.
  bool inherit_wide = false;  ///< What expanding makes begins with copies of the learned weights
                              ///< (widen_params()), not with fresh ones.
  std::optional<double> inherited_rate = {};  ///< Learning rate of retraining where weights are
                                              ///< inherited; else that of all training.
  std::set<Comparison> compare = {Comparison::kSeed};
  std::string gate = "gamma";  ///< One of gate_kinds(). Gates that networks do not have are put in
                               ///< for learning the structure, and taken out again.
  double l1_fraction = 0;      ///< Of group-lasso; see RegularizerOptions, like the next two.
  Combination combination = Combination::kLargest;
  bool proximal = false;
  double threshold = 0.05;         ///< While training: a gate at or below it is dead.
  double lowest_threshold = 1e-3;  ///< The threshold of the cut is not below this.
  int64_t round_to = 1;            ///< Widths are multiples of this, after the cut and expanding,
                                   ///< and of the uniform network that is compared.
  double min_branch = 0.0;         ///< A branch that would keep a smaller share goes entirely.
  ChannelScope scope = {};         ///< Which part of the seed may lose channels, and how many.
};

/// Throws Error naming the first option that does not make sense.
void validate(const LearnOptions& options);

/// What the regularizer charges: LearnOptions::costs, or those that have a budget.
std::vector<std::string> charged_costs(const LearnOptions& options);

/// LearnOptions::threshold and lowest_threshold.
struct GateThresholds {
  double training = 0;
  double lowest = 0;
};

/// What serves a kind of gate if nothing else is said.
GateThresholds default_thresholds(std::string_view gate);

/// The options as JSON, by the names of the fields.
nlohmann::json describe(const LearnOptions& options);

/// One network of a run and how it did.
struct TrainedNetwork {
  Graph graph = Graph();
  Params params = {};
  std::optional<Evaluation> result = {};
  int64_t epochs = 0;  ///< Of training in all, those of its parents included.
  std::map<std::string, double> costs = {};
  std::string note = {};
};

/// A stretch of training, for the report.
struct PhaseRecord {
  std::string name = {};
  std::vector<EpochReport> epochs = {};
  std::map<std::string, double> limits = {};  ///< By cost, as share of the seed.
  std::string end = {};                       ///< Why it ended early, if it did.
};

/// All that a run yields. `networks` holds "seed" and "learned", and "expanded", "uniform" and
/// "scratch" where they were asked for.
struct LearnResult {
  std::map<std::string, TrainedNetwork> networks = {};
  Structure structure = {};      ///< Of the last round.
  Graph structure_of = Graph();  ///< The network that the structure is cut from: the seed, or what
                                 ///< the round before made of it.
  std::vector<std::string> removed = {};
  std::vector<ConstantNote> constants = {};
  double equivalence = 0;  ///< The largest of all rounds; see Cut.
  double threshold = 0;
  std::map<std::string, double> budget_used = {};  ///< By text of the budget, the share that is
                                                   ///< spent after the last cut.
  Evaluation after_cut = {};                       ///< Of the last round, before retraining.
  std::vector<double> changes = {};  ///< From round to round, the share of the widths that differs.
  std::vector<PhaseRecord> phases = {};
};

/// MorphNet, Algorithm 1: train with the regularizer, shrink, expand, repeat; then retrain. Starts
/// from `seed`, from fresh weights if it has none.
LearnResult learn(const Session& session, const Network& seed, const LearnOptions& options);

}  // namespace morph
