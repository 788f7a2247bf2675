#include "morph/data/synthetic.h"

#include <limits>
#include <vector>

#include "expect_error.h"
#include "pixels.h"
#include <gtest/gtest.h>

namespace morph {
namespace {

TEST(SyntheticTest, DefaultsAndOptions) {
  const DataSplits standard = open_data("synthetic");
  EXPECT_EQ(standard.train->size(), 2048);
  EXPECT_EQ(standard.test->size(), 512);
  EXPECT_EQ(standard.train->shape(), (ImageShape{.channels = 3, .height = 32, .width = 32}));
  EXPECT_EQ(standard.train->classes().size(), 10U);

  const DataSplits small = open_data("synthetic?classes=4&input=1x8x6&train=9&test=5");
  EXPECT_EQ(small.train->size(), 9);
  EXPECT_EQ(small.test->size(), 5);
  EXPECT_EQ(small.test->shape(), (ImageShape{.channels = 1, .height = 8, .width = 6}));
  std::vector<uint8_t> pixels(48);
  EXPECT_EQ(small.train->get(7, pixels), 3);
}

TEST(SyntheticTest, IsAFunctionOfTheSeed) {
  const DataSplits a = open_data("synthetic?train=4&test=4", {.seed = 1});
  const DataSplits b = open_data("synthetic?train=4&test=4", {.seed = 1});
  const DataSplits c = open_data("synthetic?train=4&test=4", {.seed = 2});
  EXPECT_EQ(pixels_of(*a.train, 3), pixels_of(*b.train, 3));
  EXPECT_NE(pixels_of(*a.train, 3), pixels_of(*c.train, 3));
  EXPECT_NE(pixels_of(*a.train, 3), pixels_of(*a.test, 3));
}

std::vector<std::vector<double>> class_means(const Dataset& data) {
  const size_t classes = data.classes().size();
  std::vector<std::vector<double>> sums(
      classes, std::vector<double>(static_cast<size_t>(data.shape().size())));
  std::vector<double> counts(classes);
  std::vector<uint8_t> pixels(static_cast<size_t>(data.shape().size()));
  for (int64_t i = 0; i < data.size(); ++i) {
    const auto label = static_cast<size_t>(data.get(i, pixels));
    ++counts[label];
    for (size_t k = 0; k < pixels.size(); ++k) sums[label][k] += pixels[k];
  }
  for (size_t c = 0; c < classes; ++c) {
    for (double& value : sums[c]) value /= counts[c];
  }
  return sums;
}

int64_t nearest(const std::vector<std::vector<double>>& means, const std::vector<uint8_t>& pixels) {
  int64_t best = -1;
  double best_distance = std::numeric_limits<double>::infinity();
  for (size_t c = 0; c < means.size(); ++c) {
    double distance = 0;
    for (size_t k = 0; k < pixels.size(); ++k) {
      distance += (means[c][k] - pixels[k]) * (means[c][k] - pixels[k]);
    }
    if (distance < best_distance) {
      best_distance = distance;
      best = static_cast<int64_t>(c);
    }
  }
  return best;
}

/// The share of the test half that is nearest to the training mean of its own class.
double nearest_mean_accuracy(const DataSplits& data) {
  const std::vector<std::vector<double>> means = class_means(*data.train);
  std::vector<uint8_t> pixels(static_cast<size_t>(data.test->shape().size()));
  int64_t right = 0;
  for (int64_t i = 0; i < data.test->size(); ++i) {
    const int64_t label = data.test->get(i, pixels);
    if (nearest(means, pixels) == label) ++right;
  }
  return static_cast<double>(right) / static_cast<double>(data.test->size());
}

TEST(SyntheticTest, ClassesCanBeToldApart) {
  // The weakest of classifiers suffices, so a small network learns them quickly.
  EXPECT_GT(nearest_mean_accuracy(open_data("synthetic?train=512&test=256")), 0.95);
  EXPECT_GT(nearest_mean_accuracy(open_data("synthetic?input=1x28x28&train=512&test=256")), 0.95);
  EXPECT_GT(nearest_mean_accuracy(open_data("synthetic?classes=25&train=512&test=256")), 0.95);
}

TEST(SyntheticTest, RefusesSizesThatCannotBe) {
  EXPECT_ERROR(make_synthetic({.classes = 0}), "every size must be at least 1, got 0");
  EXPECT_ERROR(open_data("synthetic?input=3x0x32"), "every size must be at least 1, got 0");
  EXPECT_ERROR(open_data("synthetic?train=100000000"), "more than the limit");
}

}  // namespace
}  // namespace morph
