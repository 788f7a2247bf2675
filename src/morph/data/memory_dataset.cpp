#include "morph/data/memory_dataset.h"

#include <algorithm>
#include <utility>

#include "morph/base/error.h"

namespace morph {

MemoryDataset::MemoryDataset(DecodedImages images) : images_(std::move(images)) {
  MORPH_CHECK(images_.pixels.size() ==
              images_.labels.size() * static_cast<size_t>(images_.shape.size()));
}

int64_t MemoryDataset::get(int64_t i, std::span<uint8_t> pixels) const {
  const auto image_size = static_cast<size_t>(images_.shape.size());
  MORPH_CHECK(i >= 0 && i < size() && pixels.size() == image_size);
  const auto index = static_cast<size_t>(i);
  std::ranges::copy(std::span(images_.pixels).subspan(index * image_size, image_size),
                    pixels.begin());
  return images_.labels[index];
}

}  // namespace morph
