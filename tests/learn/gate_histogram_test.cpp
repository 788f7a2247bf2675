#include "morph/learn/gate_histogram.h"

#include <limits>
#include <numeric>

#include <gtest/gtest.h>

namespace morph {
namespace {

/// The interval of one gate.
size_t interval(double value) {
  const GateHistogram gates = count_gates({value}, {true});
  size_t found = gates.counts.size();
  for (size_t i = 0; i < gates.counts.size(); ++i) {
    if (gates.counts[i] == 1) found = i;
  }
  return found;
}

TEST(GateHistogram, IntervalsByHand) {
  EXPECT_EQ(interval(0), 0U);
  EXPECT_EQ(interval(9.9e-5), 0U);
  EXPECT_EQ(interval(1e-4), 1U);
  EXPECT_EQ(interval(1.7e-4), 1U);  // 10^0.25 is 1.778.
  EXPECT_EQ(interval(1.8e-4), 2U);
  EXPECT_EQ(interval(1e-3), 5U);
  EXPECT_EQ(interval(0.1), 13U);
  EXPECT_EQ(interval(1), 17U);
  EXPECT_EQ(interval(9.9), 20U);
  EXPECT_EQ(interval(10), 21U);
  EXPECT_EQ(interval(1e30), 21U);
  EXPECT_EQ(interval(std::numeric_limits<double>::infinity()), 21U);
  EXPECT_EQ(interval(std::numeric_limits<double>::quiet_NaN()), 0U);
}

TEST(GateHistogram, CountsOnlyWhatMayBeRemoved) {
  const GateHistogram gates = count_gates({0.5, 0.5, 0.5}, {true, false, true});
  EXPECT_EQ(std::accumulate(gates.counts.begin(), gates.counts.end(), int64_t{0}), 2);
  EXPECT_EQ(gates.counts.size(), 22U);
  EXPECT_EQ(gates.lowest, 1e-4);
  EXPECT_EQ(gates.per_decade, 4);
}

}  // namespace
}  // namespace morph
