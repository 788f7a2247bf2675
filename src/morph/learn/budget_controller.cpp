#include "morph/learn/budget_controller.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/dot.h>
#include <ATen/ops/tensor.h>

#include "morph/base/error.h"
#include "morph/learn/gate_histogram.h"

namespace morph {
namespace {

// Relative strengths beyond these do nothing that a stronger or weaker one would not.
constexpr double kWeakest = 1e-3;
constexpr double kStrongest = 1e3;

std::vector<double> to_host(const at::Tensor& tensor) {
  const at::Tensor host = tensor.to(at::kCPU).contiguous();
  const double* data = host.const_data_ptr<double>();
  return {data, data + host.numel()};
}

}  // namespace

BudgetController::BudgetController(NetworkRegularizer& regularizer, ControllerOptions options)
    : regularizer_(regularizer), options_(std::move(options)) {
  interval_ = std::max<int64_t>(1, options_.steps / options_.controls);
  const Regularization start = regularizer_.evaluate();
  for (const double term : to_host(start.terms)) units_.push_back(term > 0 ? 1 / term : 0);
  spent_ = to_host(start.costs);
  MORPH_CHECK(options_.costs.size() == units_.size());
  errors_.assign(units_.size(), 0);
  for (size_t k = 0; k < units_.size(); ++k) {
    strengths_.push_back(options_.first_strength);
    if (options_.fixed_strength && units_[k] > 0) {
      strengths_[k] = *options_.fixed_strength / units_[k];
    }
    if (!options_.costs[k].is_charged) strengths_[k] = 0;
  }
  device_strengths_ = start.terms.clone();
  device_spent_ = start.costs.clone();
  apply_strengths();
}

void BudgetController::apply_strengths() {
  std::vector<double> absolute;
  for (size_t k = 0; k < units_.size(); ++k) absolute.push_back(strengths_[k] * units_[k]);
  regularizer_.set_strengths(absolute);
  device_strengths_.copy_(at::tensor(absolute));
}

at::Tensor BudgetController::add_gradient() {
  const Regularization now = regularizer_.accumulate_gradient();
  device_spent_.copy_(now.costs);
  return at::dot(device_strengths_, now.terms);
}

void BudgetController::after_update(const at::Tensor& rate) {
  if (regularizer_.is_proximal()) regularizer_.proximal_step(rate);
}

void BudgetController::after_step(int64_t steps) {
  if (steps % interval_ == 0) control(steps, to_host(device_spent_));
}

double BudgetController::line(const ControlledCost& cost) const {
  return cost.start + (*cost.limit - cost.start) * std::min(1.0, time_ / options_.ramp);
}

double BudgetController::followed_error(size_t k) const {
  std::optional<double> largest;
  const bool has_budget = options_.costs[k].limit.has_value();
  for (size_t j = 0; j < options_.costs.size(); ++j) {
    const ControlledCost& cost = options_.costs[j];
    if (!cost.limit || (has_budget && cost.is_charged && j != k)) continue;
    const double error = (spent_[j] - line(cost)) / cost.start;
    largest = std::max(largest.value_or(error), error);
  }
  return largest.value_or(0);
}

void BudgetController::control(int64_t steps, const std::vector<double>& spent) {
  spent_ = spent;
  time_ = static_cast<double>(steps) / static_cast<double>(options_.steps);
  if (options_.fixed_strength) return;
  const double passed = static_cast<double>(interval_) / static_cast<double>(options_.steps);
  for (size_t k = 0; k < units_.size(); ++k) {
    if (!options_.costs[k].is_charged) continue;
    const double error = followed_error(k);
    const double change =
        options_.gain * error * passed + options_.proportional * (error - errors_[k]);
    strengths_[k] = std::clamp(strengths_[k] * std::exp(change), kWeakest, kStrongest);
    errors_[k] = error;
  }
  apply_strengths();
}

void BudgetController::on_epoch(EpochReport& report) {
  for (size_t k = 0; k < units_.size(); ++k) {
    const ControlledCost& cost = options_.costs[k];
    report.extra["cost." + cost.name] = spent_[k] / cost.seed;
    if (cost.is_charged) report.extra["strength." + cost.name] = strengths_[k] * units_[k];
    if (cost.limit) report.extra["target." + cost.name] = line(cost) / cost.seed;
  }
  report.extra["gates"] = to_json(count_gates(regularizer_.set_values(), regularizer_.removable()));
}

bool BudgetController::is_at_budget(double off) const {
  if (time_ < options_.ramp) return false;
  std::optional<double> most_used;
  for (size_t k = 0; k < options_.costs.size(); ++k) {
    const std::optional<double>& limit = options_.costs[k].limit;
    if (limit) most_used = std::max(most_used.value_or(0), spent_[k] / *limit);
  }
  return !most_used || std::abs(*most_used - 1) <= off;
}

nlohmann::json BudgetController::save() const {
  return {{"strengths", strengths_},
          {"errors", errors_},
          {"units", units_},
          {"spent", spent_},
          {"time", time_}};
}

void BudgetController::restore(const nlohmann::json& state) {
  state.at("strengths").get_to(strengths_);
  state.at("errors").get_to(errors_);
  state.at("units").get_to(units_);
  state.at("spent").get_to(spent_);
  state.at("time").get_to(time_);
  apply_strengths();
}

}  // namespace morph
