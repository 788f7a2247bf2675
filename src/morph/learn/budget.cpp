#include "morph/learn/budget.h"

#include <algorithm>
#include <cmath>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/cost/cost_model.h"

namespace morph {

double Budget::limit(double seed_cost) const {
  return unit == Unit::kShareOfSeed ? amount * seed_cost : amount;
}

std::string Budget::text() const {
  return unit == Unit::kShareOfSeed ? cat(cost, "=", amount, "x")
                                    : cat(cost, "=", format_count(amount));
}

Budget parse_budget(std::string_view text) {
  const size_t equals = text.rfind('=');  // A stated device has some of its own.
  if (equals == std::string_view::npos) {
    throw Error(
        cat("budget '", text, "': expected COST=AMOUNT, such as flops=0.5x or params=200k"));
  }
  Budget budget{.cost = std::string(trim(text.substr(0, equals)))};
  make_cost_model(budget.cost);
  std::string_view amount = trim(text.substr(equals + 1));
  const std::string what = cat("budget '", text, "'");
  if (!amount.empty() && (amount.back() == 'x' || amount.back() == 'X')) {
    amount.remove_suffix(1);
    budget.amount = parse_double(amount, what);
  } else {
    budget.unit = Budget::Unit::kAbsolute;
    budget.amount = parse_count(amount, what);
  }
  if (!(budget.amount > 0) || !std::isfinite(budget.amount)) {
    throw Error(cat(what, ": expected a finite amount above 0"));
  }
  return budget;
}

std::vector<Budget> parse_budgets(std::string_view text) {
  std::vector<Budget> budgets;
  for (const std::string& part : split_cost_names(text)) budgets.push_back(parse_budget(part));
  return budgets;
}

std::vector<std::string> split_budgets(std::string_view list) {
  std::vector<std::string> budgets;
  std::string cost;
  for (std::string& text : split_cost_names(list)) {
    if (text.find('=') == std::string::npos && !cost.empty()) text = cat(cost, "=", text);
    cost = parse_budget(text).cost;
    if (std::find(budgets.begin(), budgets.end(), text) != budgets.end()) {
      throw Error(cat("budgets '", list, "': ", text, " is there twice"));
    }
    budgets.push_back(text);
  }
  if (budgets.empty()) throw Error("budgets: expected some, such as flops=0.75x,0.5x,0.25x");
  return budgets;
}

}  // namespace morph
