#pragma once

#include <string>
#include <string_view>

#include "morph/analysis/channel_scope.h"
#include "morph/cost/cost_model.h"
#include "morph/regularize/gates.h"

namespace morph {

/// How the gates of one channel set, tied because its channels can only go together, become one r.
enum class Combination {
  kLargest,        ///< max r: alive while one gate is.
  kL2,             ///< √(Σ r²): alive while that is above the threshold.
  kTotal,          ///< Σ r: each gate bears the whole price; alive while one gate is.
  kProbabilistic,  ///< 1 − ∏ (1 − r): the probability that one is there; alive while one gate is.
};

/// "max", "l2", "sum" or "probabilistic". Throws Error listing them.
Combination parse_combination(std::string_view name);
std::string_view name_of(Combination combination);

/// How channels are charged and judged.
struct RegularizerOptions {
  double threshold = 0.01;     ///< A channel set is alive while its r is above this.
  std::string gate = "gamma";  ///< One of gate_kinds().
  MakeGates make_gates = {};   ///< A kind of your own in its place.
  double l1_fraction = 0;      ///< Of group-lasso: the share of the mean absolute weight, 0 to 1.
  Combination combination = Combination::kLargest;
  bool proximal = false;  ///< Instead of adding a gradient, pull gates to zero after each step:
                          ///< see NetworkRegularizer::proximal_step().
  bool regularize_on_mask = true;  ///< Of logistic-sigmoid: r is the sampled mask, else σ(logit).
  bool mask_as_alive = true;  ///< Of logistic-sigmoid: while training, the sampled mask says what
                              ///< is alive, else σ(logit). Structures always go by σ(logit).
  CostOptions cost = {};
  ChannelScope scope = {};
};

}  // namespace morph
