#include "morph/data/normalization.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "morph/base/error.h"

namespace morph {
namespace {

constexpr double kGreyLevel = 1.0 / 255;

using Histogram = std::array<int64_t, 256>;

struct Moments {
  double mean = 0;
  double stddev = 0;
};

Moments measure(const Histogram& histogram) {
  double count = 0;
  double sum = 0;
  for (size_t value = 0; value < histogram.size(); ++value) {
    count += static_cast<double>(histogram[value]);
    sum += static_cast<double>(histogram[value]) * static_cast<double>(value);
  }
  const double mean = sum / count;
  double squares = 0;
  for (size_t value = 0; value < histogram.size(); ++value) {
    const double distance = static_cast<double>(value) - mean;
    squares += static_cast<double>(histogram[value]) * distance * distance;
  }
  return {.mean = mean * kGreyLevel, .stddev = std::sqrt(squares / count) * kGreyLevel};
}

}  // namespace

Normalization measure_normalization(const Dataset& data, int64_t limit) {
  MORPH_CHECK(data.size() > 0 && limit > 0);
  const int64_t samples = std::min(limit, data.size());
  std::vector<uint8_t> pixels(static_cast<size_t>(data.shape().size()));
  const std::span<const uint8_t> planes = pixels;
  const auto plane = static_cast<size_t>(data.shape().height * data.shape().width);
  std::vector<Histogram> channels(static_cast<size_t>(data.shape().channels));
  for (int64_t i = 0; i < samples; ++i) {
    data.get(i * data.size() / samples, pixels);
    for (size_t c = 0; c < channels.size(); ++c) {
      for (const uint8_t value : planes.subspan(c * plane, plane)) ++channels[c][value];
    }
  }
  Normalization result;
  for (const Histogram& histogram : channels) {
    const Moments moments = measure(histogram);
    result.mean.push_back(moments.mean);
    result.stddev.push_back(std::max(moments.stddev, kGreyLevel));
  }
  return result;
}

}  // namespace morph
