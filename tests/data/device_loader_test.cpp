#include "morph/data/device_loader.h"

#include <memory>
#include <vector>

#include "expect_error.h"
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "morph/data/loader.h"

namespace morph {
namespace {

/// Images of 3 × 5 × 4 bytes, all different.
class Patterns final : public Dataset {
 public:
  explicit Patterns(int64_t size) : size_(size) {}

  int64_t size() const override { return size_; }
  ImageShape shape() const override { return {.channels = 3, .height = 5, .width = 4}; }
  std::span<const std::string> classes() const override { return classes_; }
  int64_t get(int64_t i, std::span<uint8_t> pixels) const override {
    for (size_t p = 0; p < pixels.size(); ++p) {
      pixels[p] = static_cast<uint8_t>(static_cast<size_t>(i) * 37 + p * 11 + p * p);
    }
    return i % 2;
  }

 private:
  int64_t size_;
  std::vector<std::string> classes_ = {"even", "odd"};
};

BatchOptions augmented() {
  return {.batch_size = 4,
          .shuffle = true,
          .crop_padding = 2,
          .flip = true,
          .normalization = {.mean = {0.5, 0.4, 0.3}, .stddev = {0.2, 0.3, 0.4}},
          .seed = 7};
}

void expect_same_epoch(BatchSource& a, BatchSource& b) {
  while (true) {
    const std::optional<Batch> first = a.next();
    const std::optional<Batch> second = b.next();
    ASSERT_EQ(first.has_value(), second.has_value());
    if (!first) return;
    EXPECT_TRUE(at::equal(first->images, second->images));
    EXPECT_TRUE(at::equal(first->labels, second->labels));
  }
}

void expect_same(const BatchOptions& options) {
  const auto data = std::make_shared<Patterns>(23);
  Loader host(data, options);
  DeviceLoader device(*data, options, c10::Device(c10::kCPU));
  EXPECT_EQ(host.batches(), device.batches());
  EXPECT_EQ(host.examples(), device.examples());
  for (const int64_t epoch : {1, 2}) {
    host.start_epoch(epoch);
    device.start_epoch(epoch);
    expect_same_epoch(host, device);
  }
}

TEST(DeviceLoader, MakesTheBatchesOfALoaderBitByBit) { expect_same(augmented()); }

TEST(DeviceLoader, AlsoWithoutAugmentationAndNormalization) { expect_same({.batch_size = 5}); }

TEST(DeviceLoader, AlsoWithMirroringAlone) { expect_same({.batch_size = 23, .flip = true}); }

TEST(DeviceLoader, AlsoWithoutALastBatchOfOne) {
  expect_same({.batch_size = 11, .shuffle = true, .drop_single = true, .crop_padding = 7});
}

TEST(DeviceLoader, GoesOnInTheMiddleOfAnEpoch) {
  const auto data = std::make_shared<Patterns>(23);
  Loader host(data, augmented());
  DeviceLoader device(*data, augmented(), c10::Device(c10::kCPU));
  host.start_epoch(3, 2);
  device.start_epoch(3, 2);
  expect_same_epoch(host, device);
}

TEST(DeviceLoader, RefusesWhatALoaderRefuses) {
  const c10::Device cpu(c10::kCPU);
  EXPECT_ERROR(DeviceLoader(Patterns(0), {}, cpu), "a data set with a size of at least 1, got 0");
  DeviceLoader device(Patterns(10), {.batch_size = 4}, cpu);
  EXPECT_ERROR(device.start_epoch(0, 4), "cannot start at batch 4 of an epoch of 3 batches");
}

TEST(MakeBatches, KeepsThemOnTheHostForACpu) {
  const auto batches =
      make_batches(std::make_shared<Patterns>(10), {.batch_size = 4}, c10::Device(c10::kCPU));
  EXPECT_FALSE(batches->is_on_device());
}

}  // namespace
}  // namespace morph
