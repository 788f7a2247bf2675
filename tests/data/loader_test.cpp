#include "morph/data/loader.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "expect_error.h"
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace morph {
namespace {

/// Image i is filled with the byte i and has label i; optionally one of them cannot be read.
class CountingDataset final : public Dataset {
 public:
  explicit CountingDataset(int64_t size, int64_t broken = -1) : size_(size), broken_(broken) {
    for (int64_t i = 0; i < size; ++i) classes_.push_back(std::to_string(i));
  }

  int64_t size() const override { return size_; }
  ImageShape shape() const override { return {.channels = 2, .height = 4, .width = 6}; }
  std::span<const std::string> classes() const override { return classes_; }
  int64_t get(int64_t i, std::span<uint8_t> pixels) const override {
    if (i == broken_) throw Error("cannot decode '7.png'");
    ++reads;
    std::ranges::fill(pixels, static_cast<uint8_t>(i));
    return i;
  }

  mutable std::atomic<int64_t> reads = 0;

 private:
  int64_t size_;
  int64_t broken_;
  std::vector<std::string> classes_ = {};
};

std::shared_ptr<CountingDataset> counting(int64_t size) {
  return std::make_shared<CountingDataset>(size);
}

std::vector<Batch> rest_of_epoch(Loader& loader) {
  std::vector<Batch> batches;
  while (auto batch = loader.next()) batches.push_back(std::move(*batch));
  return batches;
}

std::vector<Batch> epoch_of(Loader& loader, int64_t epoch) {
  loader.start_epoch(epoch);
  return rest_of_epoch(loader);
}

std::vector<int64_t> labels_of(const std::vector<Batch>& batches) {
  std::vector<int64_t> labels;
  for (const Batch& batch : batches) {
    const int64_t* data = batch.labels.const_data_ptr<int64_t>();
    labels.insert(labels.end(), data, data + batch.labels.numel());
  }
  return labels;
}

void expect_equal(const std::vector<Batch>& a, const std::vector<Batch>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(at::equal(a[i].images, b[i].images)) << "batch " << i;
    EXPECT_TRUE(at::equal(a[i].labels, b[i].labels)) << "batch " << i;
  }
}

std::vector<int64_t> counted(int64_t size) {
  std::vector<int64_t> values;
  for (int64_t i = 0; i < size; ++i) values.push_back(i);
  return values;
}

TEST(LoaderTest, DeliversInOrderWithoutShuffling) {
  Loader loader(counting(10), {.batch_size = 4});
  EXPECT_EQ(loader.batches(), 3);
  EXPECT_EQ(loader.examples(), 10);
  const std::vector<Batch> batches = epoch_of(loader, 0);
  ASSERT_EQ(batches.size(), 3U);
  EXPECT_EQ(batches[0].images.sizes(), (std::vector<int64_t>{4, 2, 4, 6}));
  EXPECT_EQ(batches[2].images.sizes(), (std::vector<int64_t>{2, 2, 4, 6}));
  EXPECT_EQ(batches[0].images.scalar_type(), at::kFloat);
  EXPECT_EQ(batches[0].labels.scalar_type(), at::kLong);
  EXPECT_EQ(labels_of(batches), counted(10));
  // Image 5 is the second of batch 1, 5/255 everywhere.
  const float* pixels = batches[1].images.const_data_ptr<float>();
  EXPECT_FLOAT_EQ(pixels[48], 5.0F / 255);
  EXPECT_FLOAT_EQ(pixels[95], 5.0F / 255);
  EXPECT_FALSE(loader.next().has_value());
}

TEST(LoaderTest, NormalisesByChannel) {
  Loader loader(counting(2),
                {.batch_size = 2,
                 .normalization = {.mean = {0, 1.0 / 255}, .stddev = {1.0 / 255, 0.5 / 255}}});
  const std::vector<Batch> batches = epoch_of(loader, 0);
  const float* pixels = batches[0].images.const_data_ptr<float>();
  EXPECT_FLOAT_EQ(pixels[48], 1);    // Image 1, channel 0: 1 grey level in units of one.
  EXPECT_NEAR(pixels[72], 0, 1e-6);  // Channel 1: at its mean.
  EXPECT_FLOAT_EQ(pixels[24], -2);   // Image 0, channel 1: one level below, in halves.
}

TEST(LoaderTest, EpochsCoverEveryExampleOnceInDifferentOrders) {
  Loader loader(counting(100), {.batch_size = 7, .shuffle = true, .seed = 5});
  std::vector<int64_t> first = labels_of(epoch_of(loader, 0));
  std::vector<int64_t> second = labels_of(epoch_of(loader, 1));
  EXPECT_NE(first, second);
  EXPECT_EQ(first, labels_of(epoch_of(loader, 0)));
  EXPECT_NE(first, counted(100));
  std::ranges::sort(first);
  std::ranges::sort(second);
  EXPECT_EQ(first, counted(100));
  EXPECT_EQ(second, counted(100));
}

BatchOptions augmented(int64_t workers) {
  return {.batch_size = 8,
          .shuffle = true,
          .crop_padding = 2,
          .flip = true,
          .seed = 11,
          .workers = workers};
}

TEST(LoaderTest, BatchesDoNotDependOnTheNumberOfWorkers) {
  Loader one(counting(203), augmented(1));
  Loader three(counting(203), augmented(3));
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    expect_equal(epoch_of(one, epoch), epoch_of(three, epoch));
  }
}

TEST(LoaderTest, ResumesInTheMiddleOfAnEpoch) {
  Loader whole(counting(50), augmented(2));
  Loader resumed(counting(50), augmented(1));
  std::vector<Batch> batches = epoch_of(whole, 4);
  ASSERT_EQ(batches.size(), 7U);
  resumed.start_epoch(4, 3);
  expect_equal({batches.begin() + 3, batches.end()}, rest_of_epoch(resumed));
  resumed.start_epoch(4, 7);
  EXPECT_FALSE(resumed.next().has_value());
  EXPECT_ERROR(resumed.start_epoch(4, 8), "cannot start at batch 8 of an epoch of 7 batches");
  EXPECT_ERROR(resumed.start_epoch(4, -1), "cannot start at batch -1");
}

TEST(LoaderTest, AnEpochCanBeAbandoned) {
  Loader loader(counting(200), augmented(3));
  Loader fresh(counting(200), augmented(1));
  for (int64_t taken = 0; taken < 10; ++taken) {
    loader.start_epoch(0);
    for (int64_t i = 0; i < taken; ++i) ASSERT_TRUE(loader.next().has_value());
  }
  expect_equal(epoch_of(loader, 9), epoch_of(fresh, 9));
}

TEST(LoaderTest, CanBeDestroyedAtAnyMoment) {
  for (int64_t taken = 0; taken < 20; ++taken) {
    Loader loader(counting(100), augmented(4));
    if (taken == 0) continue;
    loader.start_epoch(0);
    for (int64_t i = 1; i < std::min<int64_t>(taken, 12); ++i) loader.next();
  }
}

TEST(LoaderTest, DropsALastBatchOfOne) {
  Loader dropping(counting(9), {.batch_size = 4, .drop_single = true});
  EXPECT_EQ(dropping.batches(), 2);
  EXPECT_EQ(dropping.examples(), 8);
  EXPECT_EQ(labels_of(epoch_of(dropping, 0)), counted(8));
  Loader keeping(counting(9), {.batch_size = 4});
  EXPECT_EQ(labels_of(epoch_of(keeping, 0)), counted(9));
  Loader pair(counting(10), {.batch_size = 4, .drop_single = true});
  EXPECT_EQ(pair.examples(), 10);
  EXPECT_EQ(pair.batches(), 3);
}

TEST(LoaderTest, WorkersStayABoundedDistanceAhead) {
  const auto data = counting(10000);
  Loader loader(data, {.batch_size = 1, .workers = 2});
  loader.start_epoch(0);
  loader.next();
  // One taken, at most 2·2+1 prepared ahead of the second.
  EXPECT_LE(data->reads, 6);
}

TEST(LoaderTest, RethrowsWhatAWorkerThrew) {
  for (const int64_t workers : {1, 3}) {
    Loader loader(std::make_shared<CountingDataset>(20, 7), {.batch_size = 3, .workers = workers});
    loader.start_epoch(0);
    EXPECT_TRUE(loader.next().has_value());
    EXPECT_TRUE(loader.next().has_value());
    EXPECT_ERROR(loader.next(), "cannot decode '7.png'");
    EXPECT_ERROR(loader.next(), "cannot decode '7.png'");
    loader.start_epoch(0, 3);
    EXPECT_EQ(rest_of_epoch(loader).size(), 4U);
  }
}

/// Rows and columns number the pixels: value 10·y + x + 1, so that 0 is padding alone.
class GridDataset final : public Dataset {
 public:
  int64_t size() const override { return 4000; }
  ImageShape shape() const override { return {.channels = 1, .height = 5, .width = 5}; }
  std::span<const std::string> classes() const override { return classes_; }
  int64_t get(int64_t /*i*/, std::span<uint8_t> pixels) const override {
    for (size_t k = 0; k < pixels.size(); ++k) {
      pixels[k] = static_cast<uint8_t>(10 * (k / 5) + k % 5 + 1);
    }
    return 0;
  }

 private:
  std::vector<std::string> classes_ = {"a"};
};

TEST(LoaderTest, CropsAndFlipsAtRandom) {
  Loader loader(std::make_shared<GridDataset>(),
                {.batch_size = 500, .crop_padding = 2, .flip = true, .workers = 2});
  std::map<int, int> centres;
  int mirrored = 0;
  for (const Batch& batch : epoch_of(loader, 0)) {
    const float* pixels = batch.images.const_data_ptr<float>();
    for (int64_t i = 0; i < 500; ++i, pixels += 25) {
      const auto value = [&](int64_t k) { return static_cast<int>(std::lround(pixels[k] * 255)); };
      // A shift of two at most keeps the centre inside, and one of its neighbours at least.
      ++centres[value(12)];
      const bool has_left = value(11) > 0;
      const int step = has_left ? value(12) - value(11) : value(13) - value(12);
      ASSERT_EQ(std::abs(step), 1);
      mirrored += step < 0 ? 1 : 0;
    }
  }
  // Binomial with 4000 draws: 160 ± 12.4 of each of 25 centres, 2000 ± 31.6 mirrored; five
  // deviations allowed.
  EXPECT_EQ(centres.size(), 25U);
  for (const auto& [centre, count] : centres) EXPECT_NEAR(count, 160, 62) << centre;
  EXPECT_NEAR(mirrored, 2000, 158);
}

TEST(LoaderTest, RefusesOptionsThatCannotBe) {
  EXPECT_ERROR(Loader(counting(0), {}), "a data set with a size of at least 1, got 0");
  EXPECT_ERROR(Loader(counting(3), {.batch_size = 0}), "a batch size of at least 1, got 0");
  EXPECT_ERROR(Loader(counting(3), {.workers = 0}), "a number of workers of at least 1, got 0");
  EXPECT_ERROR(Loader(counting(3), {.crop_padding = -1}), "a crop padding of at least 0, got -1");
  EXPECT_ERROR(Loader(counting(3), {.normalization = {.mean = {0}, .stddev = {1}}}),
               "for each of 2 channels, got 1 and 1");
}

TEST(LoaderTest, PinnedMemoryIsNotAskedForWithoutCuda) {
  Loader loader(counting(4), {.batch_size = 4, .pinned = true});
  EXPECT_EQ(labels_of(epoch_of(loader, 0)), counted(4));
}

TEST(LoaderTest, NextBeforeAnEpochIsOurMistake) {
  Loader loader(counting(4), {});
  EXPECT_THROW(loader.next(), InternalError);
}

}  // namespace
}  // namespace morph
