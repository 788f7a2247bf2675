#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "morph/base/random.h"
#include "morph/data/dataset.h"
#include "morph/data/normalization.h"

namespace morph {

/// Where one example's pixels are taken from: the image shifted, and perhaps mirrored first.
struct View {
  int64_t down = 0;   ///< Output row y shows source row y + down; outside there are zeros.
  int64_t right = 0;  ///< The same for columns, counted after mirroring.
  bool mirrored = false;
};

/// What views are drawn from.
struct Augmentation {
  int64_t crop_padding = 0;
  bool flip = false;
};

/// A view drawn at random: shifts uniform in ±crop_padding, mirrored with probability 1/2.
View draw_view(const Augmentation& augmentation, Random& random);

/// The order in which an epoch visits `size` examples: a permutation that depends on (seed, epoch).
std::vector<int64_t> shuffled_order(int64_t size, uint64_t seed, int64_t epoch);

/// The stream from which the example at `position` of an epoch is augmented.
Random example_random(uint64_t seed, int64_t epoch, int64_t position);

/// Turns bytes into normalised floats, through one table of 256 values per channel.
class PixelWriter {
 public:
  /// An empty normalisation leaves the pixels in [0, 1]. Throws Error if it does not have one mean
  /// and one positive deviation for each channel.
  PixelWriter(ImageShape shape, const Normalization& normalization);

  /// Writes the view of `image` to `out`, both [C, H, W].
  void write(std::span<const uint8_t> image, const View& view, std::span<float> out) const;

 private:
  using Table = std::array<float, 256>;

  ImageShape shape_;
  std::vector<Table> tables_;
};

}  // namespace morph
