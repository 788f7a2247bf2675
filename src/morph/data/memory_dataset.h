#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "morph/data/dataset.h"

namespace morph {

/// What a MemoryDataset holds.
struct DecodedImages {
  ImageShape shape = {};
  std::vector<std::string> classes = {};
  std::vector<uint8_t> pixels = {};  ///< One image after the other, each in CHW order.
  std::vector<int32_t> labels = {};  ///< One per image, each an index into `classes`.
};

/// Images held decoded in memory.
class MemoryDataset final : public Dataset {
 public:
  /// Takes pixels and labels that agree in number; the caller has checked the labels' range.
  explicit MemoryDataset(DecodedImages images);

  int64_t size() const override { return static_cast<int64_t>(images_.labels.size()); }
  ImageShape shape() const override { return images_.shape; }
  std::span<const std::string> classes() const override { return images_.classes; }
  int64_t get(int64_t i, std::span<uint8_t> pixels) const override;

 private:
  DecodedImages images_;
};

}  // namespace morph
