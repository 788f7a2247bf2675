#pragma once

#include <cstdint>
#include <vector>

#include "morph/data/dataset.h"

namespace morph {

/// Image `i`, channel by channel.
inline std::vector<uint8_t> pixels_of(const Dataset& data, int64_t i) {
  std::vector<uint8_t> pixels(static_cast<size_t>(data.shape().size()));
  data.get(i, pixels);
  return pixels;
}

inline int64_t label_of(const Dataset& data, int64_t i) {
  std::vector<uint8_t> pixels(static_cast<size_t>(data.shape().size()));
  return data.get(i, pixels);
}

}  // namespace morph
