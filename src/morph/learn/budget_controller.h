#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "morph/regularize/network_regularizer.h"
#include "morph/train/trainer.h"

namespace morph {

/// One cost that is charged, or has a budget, or both.
struct ControlledCost {
  std::string name = {};             ///< Of the cost model, in the regularizer's order.
  double seed = 0;                   ///< What the seed network spends: reported shares are of this.
  double start = 0;                  ///< What the network spends before the phase.
  std::optional<double> limit = {};  ///< Its budget: what it may spend after it.
  bool is_charged = true;            ///< Otherwise it is only measured, at strength 0.
};

/// What the strengths are to follow, and how.
struct ControllerOptions {
  std::vector<ControlledCost> costs = {};
  std::optional<double> fixed_strength = {};  ///< If given, that of all costs that are charged.
  int64_t steps = 0;                          ///< Of the whole phase.
  double ramp = 0.7;            ///< Share of the phase over which the cost falls to the limit.
  double first_strength = 0.3;  ///< Relative: strength · G before the first step.
  double gain = 60;             ///< How fast the logarithm of the strength grows with the error.
  double proportional = 10;     ///< How much the logarithm of the strength is raised by the error.
  int64_t controls = 400;       ///< How often in a phase the strength is changed.
};

/// Lets the strength of the regularizer follow the budget: the cost of the alive channels is to
/// fall on a straight line from its start to the limit over the first part of the phase, and
///
///   log(strength) = log(first) + proportional · e(t) + gain · ∫ e dt
///   e = (cost − line) / start,     t = share of the phase
///
/// (for a cost with a budget; the line of several is each their own). A cost that is charged
/// follows the error of its budget; without one, the largest error of all budgets. A budget whose
/// cost is not charged is followed by every cost that is.
///
/// So too much cost drives the strength up until channels die, and too little lets it go; the
/// proportional part answers at once and is gone again with the error, so that the sum need not
/// overshoot to catch up. Costs are read back from the device only when the strength is changed.
class BudgetController final : public Penalty, public Callback {
 public:
  BudgetController(NetworkRegularizer& regularizer, ControllerOptions options);

  at::Tensor add_gradient() override;
  void after_update(const at::Tensor& rate) override;
  void after_step(int64_t steps) override;
  void on_epoch(EpochReport& report) override;

  /// Whether at the last change the line had come to its end, no budget was exceeded by more than
  /// the share `off` of it, and one of them was spent but for that share; true without budgets.
  bool is_at_budget(double off) const;

  nlohmann::json save() const override;
  void restore(const nlohmann::json& state) override;

 private:
  void control(int64_t steps, const std::vector<double>& spent);
  double line(const ControlledCost& cost) const;
  double followed_error(size_t k) const;
  void apply_strengths();

  NetworkRegularizer& regularizer_;
  ControllerOptions options_;
  int64_t interval_ = 1;
  std::vector<double> units_;  // By cost: the strength at which strength · G is 1 at the start.
  std::vector<double> strengths_;  // By cost, in those units.
  std::vector<double> errors_;     // By cost, those followed at the last change.
  double time_ = 0;                // Of the last change, as a share of the phase.
  at::Tensor device_strengths_;    // Double [costs].
  at::Tensor device_spent_;        // Double [costs]: what the last step found.
  std::vector<double> spent_;
};

}  // namespace morph
