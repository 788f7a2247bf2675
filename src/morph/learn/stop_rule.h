#pragma once

#include <cstdint>
#include <vector>

#include "morph/learn/budget_controller.h"
#include "morph/regularize/network_regularizer.h"
#include "morph/train/trainer.h"

namespace morph {

/// When a structure counts as stable.
struct StopOptions {
  int64_t epochs = 5;   ///< For so many epochs in a row it has to be; 0: learning never ends early.
  double moved = 0.01;  ///< Share of the removable channel sets that may live or die in an epoch.
  double off = 0.02;    ///< How far the cost may be from the budget, as a share of it.
};

/// Ends the learning of a structure early: when for some epochs hardly a channel has come or gone
/// and the cost has been at the budget (BudgetController::is_at_budget()). What ends is the phase;
/// the learning rate is left where it is then, and retraining has a schedule of its own.
class StopRule final : public Callback {
 public:
  /// Both must outlive it; `controller` is told of an epoch before this rule.
  StopRule(const NetworkRegularizer& regularizer,
           const BudgetController& controller,
           const StopOptions& options);

  /// Adds "stable", for how many epochs it has been, to the report.
  void on_epoch(EpochReport& report) override;
  bool is_done() const override { return options_.epochs > 0 && stable_ >= options_.epochs; }
  nlohmann::json save() const override;
  void restore(const nlohmann::json& state) override;

 private:
  const NetworkRegularizer& regularizer_;
  const BudgetController& controller_;
  StopOptions options_;
  std::vector<bool> alive_;  // By set, after the epoch before; empty before the first.
  int64_t stable_ = 0;       // Epochs in a row.
};

}  // namespace morph
