#include "morph/data/cifar10.h"

#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/base/strings.h"
#include "morph/data/memory_dataset.h"

namespace morph {
namespace {

namespace fs = std::filesystem;

constexpr ImageShape kShape{.channels = 3, .height = 32, .width = 32};
constexpr size_t kRecord = 1 + 3 * 32 * 32;  // A label, then the planes red, green and blue.
constexpr size_t kClasses = 10;
constexpr const char* kRemedy =
    " Unpack the official archive cifar-10-binary.tar.gz (the \"binary version\" on "
    "https://www.cs.toronto.edu/~kriz/cifar.html) and name its folder: cifar10:DIR, or "
    "MORPHNET_DATA=DIR in the environment.";

[[noreturn]] void fail(const fs::path& path, const std::string& why) {
  throw Error(cat("cannot read '", path.string(), "': ", why, ".", kRemedy));
}

std::string read(const fs::path& path) {
  std::error_code code;
  if (!fs::is_regular_file(path, code)) fail(path, "there is no such file");
  return read_file(path);
}

std::vector<std::string> read_classes(const fs::path& path) {
  std::vector<std::string> classes;
  for (const std::string& line : split(read(path), '\n')) {
    if (const std::string_view name = trim(line); !name.empty()) classes.emplace_back(name);
  }
  if (classes.size() != kClasses) {
    fail(path, cat("expected the names of 10 classes, got ", classes.size()));
  }
  return classes;
}

/// The records of one file, checked.
std::string read_batch(const fs::path& path) {
  std::string bytes = read(path);
  if (bytes.empty() || bytes.size() % kRecord != 0) {
    fail(path,
         cat("expected a multiple of ",
             kRecord,
             " bytes, got ",
             bytes.size(),
             "; the file is truncated or damaged"));
  }
  for (size_t at = 0; at < bytes.size(); at += kRecord) {
    const auto label = static_cast<uint8_t>(bytes[at]);
    if (label >= kClasses) {
      fail(path, cat("record ", at / kRecord, " has label ", int{label}, ", expected 0 to 9"));
    }
  }
  return bytes;
}

std::shared_ptr<const Dataset> decode(std::vector<std::string> classes, std::string_view records) {
  DecodedImages images{.shape = kShape, .classes = std::move(classes)};
  images.pixels.reserve(records.size());
  for (; !records.empty(); records.remove_prefix(kRecord)) {
    images.labels.push_back(static_cast<uint8_t>(records.front()));
    const std::string_view pixels = records.substr(1, kRecord - 1);
    images.pixels.insert(images.pixels.end(), pixels.begin(), pixels.end());
  }
  return std::make_shared<MemoryDataset>(std::move(images));
}

}  // namespace

DataSplits open_cifar10(const fs::path& folder) {
  const fs::path nested = folder / "cifar-10-batches-bin";
  std::error_code code;
  const fs::path place = fs::is_directory(nested, code) ? nested : folder;
  const std::vector<std::string> classes = read_classes(place / "batches.meta.txt");
  const std::string test = read_batch(place / "test_batch.bin");
  std::string train;
  for (int i = 1; i <= 5; ++i) {
    const fs::path path = place / cat("data_batch_", i, ".bin");
    const std::string batch = read_batch(path);
    // All six files have the same size, so one that was cut between two records is noticed.
    if (batch.size() != test.size()) {
      fail(path,
           cat("expected ",
               test.size() / kRecord,
               " images, as many as in test_batch.bin, got ",
               batch.size() / kRecord));
    }
    train += batch;
  }
  return {.name = "cifar10", .train = decode(classes, train), .test = decode(classes, test)};
}

}  // namespace morph
