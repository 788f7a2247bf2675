#include "morph/data/augment.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "morph/base/error.h"

namespace morph {
namespace {

Random epoch_random(uint64_t seed, int64_t epoch) {
  return Random(mix_seeds(seed, static_cast<uint64_t>(epoch)));
}

void check(const ImageShape& shape, const Normalization& normalization) {
  const auto channels = static_cast<size_t>(shape.channels);
  if (normalization.mean.size() != channels || normalization.stddev.size() != channels) {
    throw Error(cat("normalization: expected a mean and a deviation for each of ",
                    channels,
                    " channels, got ",
                    normalization.mean.size(),
                    " and ",
                    normalization.stddev.size()));
  }
  for (const double deviation : normalization.stddev) {
    if (!(deviation > 0)) {
      throw Error(cat("normalization: expected deviations above 0, got ", deviation));
    }
  }
}

}  // namespace

View draw_view(const Augmentation& augmentation, Random& random) {
  View view;
  if (const int64_t padding = augmentation.crop_padding; padding > 0) {
    view.down = random.below(2 * padding + 1) - padding;
    view.right = random.below(2 * padding + 1) - padding;
  }
  view.mirrored = augmentation.flip && random.chance(0.5);
  return view;
}

std::vector<int64_t> shuffled_order(int64_t size, uint64_t seed, int64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  Random random = epoch_random(seed, epoch);
  shuffle(order, random);
  return order;
}

Random example_random(uint64_t seed, int64_t epoch, int64_t position) {
  return Random(mix_seeds(epoch_random(seed, epoch).next(), static_cast<uint64_t>(position)));
}

PixelWriter::PixelWriter(ImageShape shape, const Normalization& normalization)
    : shape_(shape), tables_(static_cast<size_t>(shape.channels)) {
  const bool is_plain = normalization.mean.empty() && normalization.stddev.empty();
  if (!is_plain) check(shape, normalization);
  for (size_t c = 0; c < tables_.size(); ++c) {
    const double mean = is_plain ? 0 : normalization.mean[c];
    const double stddev = is_plain ? 1 : normalization.stddev[c];
    for (size_t value = 0; value < tables_[c].size(); ++value) {
      tables_[c][value] = static_cast<float>((static_cast<double>(value) / 255 - mean) / stddev);
    }
  }
}

void PixelWriter::write(std::span<const uint8_t> image,
                        const View& view,
                        std::span<float> out) const {
  const auto [channels, height, width] = shape_;
  const int64_t begin = std::clamp<int64_t>(-view.right, 0, width);
  const int64_t end = std::clamp<int64_t>(width - view.right, begin, width);
  float* target = out.data();
  for (int64_t row = 0; row < channels * height; ++row, target += width) {
    const int64_t channel = row / height;
    const int64_t y = row % height + view.down;
    const Table& table = tables_[static_cast<size_t>(channel)];
    if (y < 0 || y >= height) {
      std::fill_n(target, width, table[0]);
      continue;
    }
    const uint8_t* source = image.data() + (channel * height + y) * width;
    std::fill_n(target, begin, table[0]);
    for (int64_t x = begin; x < end; ++x) {
      const int64_t from = x + view.right;
      target[x] = table[source[view.mirrored ? width - 1 - from : from]];
    }
    std::fill_n(target + end, width - end, table[0]);
  }
}

}  // namespace morph
