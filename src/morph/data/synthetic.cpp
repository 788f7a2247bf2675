#include "morph/data/synthetic.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "morph/base/error.h"
#include "morph/base/random.h"
#include "morph/data/memory_dataset.h"

namespace morph {
namespace {

constexpr double kStripes = 50;  // Amplitudes in grey levels around the middle, 128.
constexpr double kTint = 25;
constexpr double kNoise = 40;
constexpr int64_t kOrientations = 10;  // 18° apart; further classes differ by spacing.
constexpr int64_t kMaxBytes = int64_t{1} << 32U;

/// What all images of one class share, apart from the tint.
struct Wave {
  double x = 0;  ///< Radians per image width.
  double y = 0;  ///< Radians per image height.
};

Wave wave_of(int64_t label, int64_t classes) {
  const auto orientations = static_cast<double>(std::min(classes, kOrientations));
  const double angle = std::numbers::pi * static_cast<double>(label % kOrientations) / orientations;
  const int64_t spacing = label / kOrientations;
  const auto cycles = static_cast<double>(3 + spacing);
  return {.x = 2 * std::numbers::pi * cycles * std::cos(angle),
          .y = 2 * std::numbers::pi * cycles * std::sin(angle)};
}

double tint_of(int64_t label, int64_t channel, const SyntheticOptions& options) {
  const double turn = static_cast<double>(label) / static_cast<double>(options.classes) +
                      static_cast<double>(channel) / static_cast<double>(options.shape.channels);
  return kTint * std::cos(2 * std::numbers::pi * turn);
}

void paint(int64_t label,
           const SyntheticOptions& options,
           Random& random,
           std::span<uint8_t> pixels) {
  const auto [channels, height, width] = options.shape;
  const Wave wave = wave_of(label, options.classes);
  auto pixel = pixels.begin();
  const double phase = (random.uniform() - 0.5) * std::numbers::pi / 2;
  for (int64_t c = 0; c < channels; ++c) {
    const double level = 128 + tint_of(label, c, options);
    for (int64_t y = 0; y < height; ++y) {
      const double row = phase + wave.y * static_cast<double>(y) / static_cast<double>(height);
      for (int64_t x = 0; x < width; ++x) {
        const double angle = row + wave.x * static_cast<double>(x) / static_cast<double>(width);
        const double noise = kNoise * (2 * random.uniform() - 1);
        const double value = level + kStripes * std::sin(angle) + noise;
        *pixel++ = static_cast<uint8_t>(std::clamp(std::round(value), 0.0, 255.0));
      }
    }
  }
}

std::shared_ptr<const Dataset> make_split(const SyntheticOptions& options,
                                          int64_t size,
                                          uint64_t stream) {
  DecodedImages images{.shape = options.shape};
  for (int64_t k = 0; k < options.classes; ++k) images.classes.push_back(cat("class ", k));
  const auto image_size = static_cast<size_t>(options.shape.size());
  images.pixels.resize(static_cast<size_t>(size) * image_size);
  Random random(mix_seeds(options.seed, stream));
  for (int64_t i = 0; i < size; ++i) {
    const int64_t label = i % options.classes;
    const size_t at = static_cast<size_t>(i) * image_size;
    paint(label, options, random, std::span(images.pixels).subspan(at, image_size));
    images.labels.push_back(static_cast<int32_t>(label));
  }
  return std::make_shared<MemoryDataset>(std::move(images));
}

void check(const SyntheticOptions& options) {
  const auto& [channels, height, width] = options.shape;
  const int64_t smallest =
      std::min({options.classes, channels, height, width, options.train, options.test});
  if (smallest < 1) throw Error(cat("synthetic: every size must be at least 1, got ", smallest));
  // In floating point, for the product may not fit an integer.
  double bytes = static_cast<double>(options.train) + static_cast<double>(options.test);
  for (const int64_t factor : {channels, height, width}) bytes *= static_cast<double>(factor);
  if (bytes > static_cast<double>(kMaxBytes)) {
    throw Error(cat("synthetic: ",
                    bytes,
                    " bytes of images are more than the limit of ",
                    kMaxBytes,
                    "; ask for fewer or smaller ones"));
  }
}

}  // namespace

DataSplits make_synthetic(const SyntheticOptions& options) {
  check(options);
  return {.name = "synthetic",
          .train = make_split(options, options.train, 0),
          .test = make_split(options, options.test, 1)};
}

}  // namespace morph
