#pragma once

#include <cstdint>
#include <vector>

#include "morph/data/dataset.h"

namespace morph {

/// Mean and standard deviation by channel, of pixels scaled to [0, 1].
struct Normalization {
  std::vector<double> mean = {};
  std::vector<double> stddev = {};
};

/// Measured over the data set (at most `limit` evenly spaced images). A deviation below one grey
/// level (1/255) counts as one grey level, so that dividing by it is safe.
Normalization measure_normalization(const Dataset& data, int64_t limit = 10000);

}  // namespace morph
