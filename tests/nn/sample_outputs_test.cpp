#include "morph/nn/sample_outputs.h"

#include <limits>

#include "expect_error.h"
#include "nn/run_text.h"
#include <gtest/gtest.h>

namespace morph {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(RelativeDifference, IsThatOfTheWorstElement) {
  const std::vector<at::Tensor> expected = {doubles({2}, {1, -4}), doubles({1}, {2})};
  EXPECT_EQ(relative_difference(expected, expected), 0);
  EXPECT_EQ(relative_difference(expected, {doubles({2}, {1, -3}), doubles({1}, {2.5})}), 0.25);
  EXPECT_EQ(relative_difference({doubles({1}, {0})}, {doubles({1}, {0.5})}), 0.5);
}

TEST(RelativeDifference, WhatIsNotFiniteIsNotOverlooked) {
  const at::Tensor one = doubles({1}, {1});
  for (const double broken : {kNan, kInfinity, -kInfinity}) {
    const at::Tensor value = doubles({1}, {broken});
    EXPECT_EQ(relative_difference({one, one}, {value, one}), kInfinity);
    EXPECT_EQ(relative_difference({one, one}, {one, value}), kInfinity);
    EXPECT_ERROR(relative_difference({value, one}, {value, one}), "not finite");
    EXPECT_ERROR(relative_difference({one, value}, {one, value}), "not finite");
  }
}

}  // namespace
}  // namespace morph
