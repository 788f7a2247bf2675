#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "morph/regularize/network_regularizer.h"
#include "morph/train/trainer.h"

namespace morph {

/// One cost under control.
struct ControlledCost {
  std::string name = {};  ///< Of the cost model, in the regularizer's order.
  double seed = 0;        ///< What the seed network spends: reported shares are of this.
  double start = 0;       ///< What the network spends before the phase.
  double limit = 0;       ///< What it may spend after it.
};

/// What the strengths are to follow, and how.
struct ControllerOptions {
  std::vector<ControlledCost> costs = {};
  std::vector<double> fixed_strengths = {};  ///< If any, strengths stay at these.
  int64_t steps = 0;                         ///< Of the whole phase.
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
/// so too much cost drives the strength up until channels die, and too little lets it go; the
/// proportional part answers at once and is gone again with the error, so that the sum need not
/// overshoot to catch up. Costs are read back from the device only when the strength is changed.
class BudgetController final : public Penalty, public Callback {
 public:
  BudgetController(NetworkRegularizer& regularizer, ControllerOptions options);

  at::Tensor add_gradient() override;
  void after_update(const at::Tensor& rate) override;
  void after_step(int64_t steps) override;
  void on_epoch(EpochReport& report) override;
  nlohmann::json save() const override;
  void restore(const nlohmann::json& state) override;

 private:
  void control(int64_t steps, const std::vector<double>& spent);
  void apply_strengths();

  NetworkRegularizer& regularizer_;
  ControllerOptions options_;
  int64_t interval_ = 1;
  std::vector<double> units_;  // By cost: the strength at which strength · G is 1 at the start.
  std::vector<double> strengths_;  // By cost, in those units.
  std::vector<double> errors_;     // By cost, at the last change.
  at::Tensor device_strengths_;    // Double [costs].
  at::Tensor device_spent_;        // Double [costs]: what the last step found.
  std::vector<double> spent_;
};

}  // namespace morph
