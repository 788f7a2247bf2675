#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace morph {

/// How much of a resource a network may spend.
struct Budget {
  /// What `amount` is counted in.
  enum class Unit {
    kAbsolute,     ///< The cost model's own unit.
    kShareOfSeed,  ///< The seed network's cost.
  };

  std::string cost = {};  ///< Name of a cost model: "flops".
  double amount = 0;
  Unit unit = Unit::kShareOfSeed;

  /// In the cost model's unit, for a seed that costs `seed_cost`.
  double limit(double seed_cost) const;

  /// As it is written on the command line: "flops=0.5x", "params=200 k".
  std::string text() const;
};

/// Reads "flops=0.5x" (a share of the seed) or "params=200k", "flops=1.5M", "flops=2.0G". Throws
/// Error saying what was expected; unknown costs with the nearest known one.
Budget parse_budget(std::string_view text);

/// Several, separated by commas: "flops=0.5x,params=0.6x".
std::vector<Budget> parse_budgets(std::string_view text);

/// The single budgets of a list in which an amount alone is of the cost before it:
/// "flops=0.5x,0.25x,params=0.5x" has three. Throws as parse_budget() does, and for an empty list
/// or one that says the same twice.
std::vector<std::string> split_budgets(std::string_view list);

}  // namespace morph
