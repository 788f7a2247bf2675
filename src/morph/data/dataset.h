#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace morph {

/// The size of one image, channels first.
struct ImageShape {
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;

  int64_t size() const { return channels * height * width; }
  bool operator==(const ImageShape&) const = default;
};

/// Labelled images of one size. Implementations are immutable after construction, so get() may be
/// called from several threads.
class Dataset {
 public:
  virtual ~Dataset() = default;

  virtual int64_t size() const = 0;
  virtual ImageShape shape() const = 0;
  virtual std::span<const std::string> classes() const = 0;

  /// Writes image `i` as bytes in CHW order into `pixels` (shape().size() of them) and returns its
  /// class, 0 … classes().size()-1. Throws Error naming the file if it cannot be decoded.
  virtual int64_t get(int64_t i, std::span<uint8_t> pixels) const = 0;
};

/// The two halves of a data set.
struct DataSplits {
  std::string name = {};  ///< "fashion-mnist".
  std::shared_ptr<const Dataset> train = {};
  std::shared_ptr<const Dataset> test = {};
};

/// What open_data() may be told beside the name.
struct DataOptions {
  std::filesystem::path root = {};  ///< Where the files are; empty: the set's usual place, or
                                    ///< MORPHNET_DATA from the environment.
  int64_t image_size = 32;          ///< For folder:DIR, images are resized and cropped to a square.
  uint64_t seed = 0;                ///< For synthetic.
};

/// Opens "fashion-mnist", "cifar10", "folder:DIR" or "synthetic", also with a path: "cifar10:DIR".
/// Throws Error naming the file that is missing or damaged and what to do about it, or the unknown
/// name with the nearest known one.
DataSplits open_data(std::string_view specification, const DataOptions& options = {});

/// The names open_data() knows, with one line on each.
struct DataName {
  std::string name;
  std::string description;
};
const std::vector<DataName>& data_names();

}  // namespace morph
