#include "morph/learn/stop_rule.h"

#include <algorithm>
#include <utility>

namespace morph {

StopRule::StopRule(const NetworkRegularizer& regularizer,
                   const BudgetController& controller,
                   const StopOptions& options)
    : regularizer_(regularizer), controller_(controller), options_(options) {}

void StopRule::on_epoch(EpochReport& report) {
  if (options_.epochs == 0) return;
  std::vector<bool> alive = regularizer_.alive();
  if (!alive_.empty()) {
    int64_t moved = 0;
    for (size_t set = 0; set < alive.size(); ++set) moved += alive[set] != alive_[set] ? 1 : 0;
    const auto removable = std::ranges::count(regularizer_.removable(), true);
    const bool is_still =
        static_cast<double>(moved) <= options_.moved * static_cast<double>(removable);
    stable_ = is_still && controller_.is_at_budget(options_.off) ? stable_ + 1 : 0;
    report.extra["stable"] = stable_;
  }
  alive_ = std::move(alive);
}

nlohmann::json StopRule::save() const { return {{"alive", alive_}, {"stable", stable_}}; }

void StopRule::restore(const nlohmann::json& state) {
  state.at("alive").get_to(alive_);
  state.at("stable").get_to(stable_);
}

}  // namespace morph
