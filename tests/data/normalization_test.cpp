#include "morph/data/normalization.h"

#include <gtest/gtest.h>

#include "morph/base/error.h"
#include "morph/data/memory_dataset.h"

namespace morph {
namespace {

constexpr double kRounding = 1e-12;  // A few operations in double.

TEST(NormalizationTest, MeasuresEachChannel) {
  // Channel 0 holds 0, 255, 0, 255: mean 1/2, deviation 1/2. Channel 1 holds 51, 51, 153, 153, that
  // is 0.2 and 0.6: mean 0.4, deviation 0.2.
  const MemoryDataset data({.shape = {.channels = 2, .height = 1, .width = 2},
                            .classes = {"a"},
                            .pixels = {0, 255, 51, 51, 0, 255, 153, 153},
                            .labels = {0, 0}});
  const Normalization result = measure_normalization(data);
  ASSERT_EQ(result.mean.size(), 2U);
  EXPECT_NEAR(result.mean[0], 0.5, kRounding);
  EXPECT_NEAR(result.stddev[0], 0.5, kRounding);
  EXPECT_NEAR(result.mean[1], 0.4, kRounding);
  EXPECT_NEAR(result.stddev[1], 0.2, kRounding);
}

TEST(NormalizationTest, ConstantChannelGetsADeviationThatCanDivide) {
  const MemoryDataset data({.shape = {.channels = 1, .height = 1, .width = 1},
                            .classes = {"a"},
                            .pixels = {255, 255},
                            .labels = {0, 0}});
  const Normalization result = measure_normalization(data);
  EXPECT_NEAR(result.mean[0], 1, kRounding);
  EXPECT_NEAR(result.stddev[0], 1.0 / 255, kRounding);
}

TEST(NormalizationTest, LimitTakesEvenlySpacedImages) {
  // Images 0 and 2 of four: 0 and 255.
  const MemoryDataset data({.shape = {.channels = 1, .height = 1, .width = 1},
                            .classes = {"a"},
                            .pixels = {0, 7, 255, 9},
                            .labels = {0, 0, 0, 0}});
  const Normalization result = measure_normalization(data, 2);
  EXPECT_NEAR(result.mean[0], 0.5, kRounding);
  EXPECT_NEAR(result.stddev[0], 0.5, kRounding);
}

TEST(NormalizationTest, MemoryDatasetRefusesPixelsAndLabelsThatDisagree) {
  EXPECT_THROW(MemoryDataset({.shape = {.channels = 1, .height = 1, .width = 1},
                              .classes = {"a"},
                              .pixels = {0, 7},
                              .labels = {0}}),
               InternalError);
}

}  // namespace
}  // namespace morph
