#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "morph/base/error.h"
#include "morph/data/image.h"

namespace morph {
namespace {

/// The source positions that one output position is a weighted mean of.
struct Taps {
  int64_t first = 0;
  std::vector<float> weights = {};
};

/// One axis: `source` positions become `scaled`, of which the middle `kept` are wanted.
struct Axis {
  int64_t source = 0;
  int64_t scaled = 0;
  int64_t kept = 0;
};

std::vector<Taps> make_taps(const Axis& axis) {
  const double step = static_cast<double>(axis.source) / static_cast<double>(axis.scaled);
  const double reach = std::max(step, 1.0);
  const int64_t skipped = (axis.scaled - axis.kept) / 2;
  std::vector<Taps> result;
  for (int64_t i = 0; i < axis.kept; ++i) {
    const double centre = (static_cast<double>(i + skipped) + 0.5) * step - 0.5;
    const auto first = std::max(int64_t{0}, static_cast<int64_t>(std::ceil(centre - reach)));
    const auto last = std::min(axis.source - 1, static_cast<int64_t>(std::floor(centre + reach)));
    Taps taps{.first = first};
    double sum = 0;
    for (int64_t j = first; j <= last; ++j) {
      const double weight = 1 - std::abs(static_cast<double>(j) - centre) / reach;
      taps.weights.push_back(static_cast<float>(weight));
      sum += weight;
    }
    for (float& weight : taps.weights) weight = static_cast<float>(weight / sum);
    result.push_back(std::move(taps));
  }
  return result;
}

int64_t first_source(const std::vector<Taps>& taps) { return taps.front().first; }

int64_t end_source(const std::vector<Taps>& taps) {
  return taps.back().first + static_cast<int64_t>(taps.back().weights.size());
}

/// Rows first … end-1 of the image, resampled along x: [end - first, columns.size(), 3].
std::vector<float> resample_rows(const Image& image,
                                 const std::vector<Taps>& columns,
                                 int64_t first,
                                 int64_t end) {
  std::vector<float> result;
  result.reserve(static_cast<size_t>(end - first) * columns.size() * 3);
  for (int64_t y = first; y < end; ++y) {
    const uint8_t* row = image.pixels.data() + y * image.width * 3;
    for (const Taps& taps : columns) {
      const uint8_t* source = row + taps.first * 3;
      float sum[3] = {0, 0, 0};
      for (const float weight : taps.weights) {
        for (float& channel : sum) channel += weight * static_cast<float>(*source++);
      }
      result.insert(result.end(), std::begin(sum), std::end(sum));
    }
  }
  return result;
}

}  // namespace

Image resize_and_crop(const Image& image, int64_t size) {
  MORPH_CHECK(size > 0 && image.height > 0 && image.width > 0);
  if (image.height == size && image.width == size) return image;
  const double scale =
      static_cast<double>(size) / static_cast<double>(std::min(image.height, image.width));
  const auto scaled = [&](int64_t side) {
    return std::max(size, static_cast<int64_t>(std::lround(static_cast<double>(side) * scale)));
  };
  const auto columns =
      make_taps({.source = image.width, .scaled = scaled(image.width), .kept = size});
  const auto rows =
      make_taps({.source = image.height, .scaled = scaled(image.height), .kept = size});
  const int64_t first = first_source(rows);
  const std::vector<float> wide = resample_rows(image, columns, first, end_source(rows));

  Image result{.height = size, .width = size};
  const int64_t stride = size * 3;
  for (const Taps& taps : rows) {
    const float* source = wide.data() + (taps.first - first) * stride;
    for (int64_t x = 0; x < stride; ++x) {
      float sum = 0;
      for (size_t k = 0; k < taps.weights.size(); ++k) {
        sum += taps.weights[k] * source[static_cast<int64_t>(k) * stride + x];
      }
      result.pixels.push_back(static_cast<uint8_t>(std::clamp(std::round(sum), 0.0F, 255.0F)));
    }
  }
  return result;
}

}  // namespace morph
