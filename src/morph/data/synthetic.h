#pragma once

#include <cstdint>

#include "morph/data/dataset.h"

namespace morph {

/// Sizes of a synthetic data set.
struct SyntheticOptions {
  int64_t classes = 10;
  ImageShape shape = {.channels = 3, .height = 32, .width = 32};
  int64_t train = 2048;  ///< Images in the training half.
  int64_t test = 512;    ///< Images in the other half.
  uint64_t seed = 0;
};

/// Noisy images that a small network can tell apart within an epoch, for tests without files. Image
/// i is of class i mod `classes`; each class has its own orientation and spacing of stripes, and
/// its own tint. The same seed gives the same images on one platform. Throws Error if a size is not
/// positive or the images would need more than 4 GiB.
DataSplits make_synthetic(const SyntheticOptions& options);

}  // namespace morph
