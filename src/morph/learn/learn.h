#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "morph/analysis/structure.h"
#include "morph/checkpoint/network_file.h"
#include "morph/learn/budget.h"
#include "morph/learn/session.h"
#include "morph/nn/cut.h"
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
  int64_t rounds = 1;                   ///< Of shrinking and expanding.
  TrainOptions structure = {};          ///< Of the phase in which the structure is learned.
  TrainOptions retrain = {};            ///< Of the seed and of every network that comes out.
  bool inherit = false;                 ///< Retrain the learned network from the weights it has.
  std::set<Comparison> compare = {Comparison::kSeed};
  double threshold = 0.05;         ///< While training: a gate at or below it is dead.
  double lowest_threshold = 1e-3;  ///< The threshold of the cut is not below this.
  int64_t round_to = 1;            ///< For expanding: widths are multiples of this.
};

/// Throws Error naming the first option that does not make sense.
void validate(const LearnOptions& options);

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
  Evaluation after_cut = {};  ///< Of the last round, before retraining.
  std::vector<PhaseRecord> phases = {};
};

/// MorphNet, Algorithm 1: train with the regularizer, shrink, expand, repeat; then retrain. Starts
/// from `seed`, from fresh weights if it has none.
LearnResult learn(const Session& session, const Network& seed, const LearnOptions& options);

}  // namespace morph
