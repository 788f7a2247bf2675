#include "morph/regularize/regularizer_options.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "morph/base/error.h"
#include "morph/base/strings.h"

namespace morph {
namespace {

constexpr std::array kCombinations = {
    std::pair{std::string_view("max"), Combination::kLargest},
    std::pair{std::string_view("l2"), Combination::kL2},
    std::pair{std::string_view("sum"), Combination::kTotal},
    std::pair{std::string_view("probabilistic"), Combination::kProbabilistic},
};

}  // namespace

Combination parse_combination(std::string_view name) {
  std::vector<std::string> known;
  for (const auto& [text, combination] : kCombinations) {
    if (text == name) return combination;
    known.emplace_back(text);
  }
  throw Error(cat("cannot combine tied gates by '",
                  name,
                  "': expected max, l2, sum or probabilistic.",
                  did_you_mean(name, known)));
}

std::string_view name_of(Combination combination) {
  return std::ranges::find(
             kCombinations, combination, &std::pair<std::string_view, Combination>::second)
      ->first;
}

}  // namespace morph
