#include "morph/learn/gate_histogram.h"

#include <algorithm>
#include <cmath>

#include "morph/base/error.h"

namespace morph {
namespace {

constexpr double kLowest = 1e-4;
constexpr int64_t kPerDecade = 4;
constexpr int64_t kDecades = 5;
constexpr int64_t kLast = kDecades * kPerDecade + 1;

int64_t interval_of(double value) {
  if (!(value >= kLowest)) return 0;
  // An edge is where its decimal power is, whatever the last digit of the logarithm.
  const double steps = std::log10(value / kLowest) * static_cast<double>(kPerDecade) + 1e-9;
  return steps >= static_cast<double>(kLast) ? kLast : 1 + static_cast<int64_t>(steps);
}

}  // namespace

GateHistogram count_gates(const std::vector<double>& values, const std::vector<bool>& removable) {
  MORPH_CHECK(values.size() == removable.size());
  GateHistogram gates{.lowest = kLowest,
                      .per_decade = kPerDecade,
                      .counts = std::vector<int64_t>(static_cast<size_t>(kLast + 1), 0)};
  for (size_t i = 0; i < values.size(); ++i) {
    if (removable[i]) ++gates.counts[static_cast<size_t>(std::min(kLast, interval_of(values[i])))];
  }
  return gates;
}

}  // namespace morph
