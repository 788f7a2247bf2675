#include "morph/data/fashion_mnist.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <zlib.h>

#include "morph/base/error.h"
#include "morph/data/memory_dataset.h"

namespace morph {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kImageMagic = 0x803;  // IDX: unsigned bytes, three axes.
constexpr uint32_t kLabelMagic = 0x801;  // IDX: unsigned bytes, one axis.
constexpr int64_t kSide = 28;
constexpr std::array kClasses = {"T-shirt/top",
                                 "Trouser",
                                 "Pullover",
                                 "Dress",
                                 "Coat",
                                 "Sandal",
                                 "Shirt",
                                 "Sneaker",
                                 "Bag",
                                 "Ankle boot"};
constexpr const char* kRemedy =
    " Install the Debian package dataset-fashion-mnist, or put the four IDX files of Fashion-MNIST "
    "into a folder and name it: fashion-mnist:DIR, or MORPHNET_DATA=DIR in the environment.";

[[noreturn]] void fail(const fs::path& path, const std::string& why) {
  throw Error(cat("cannot read '", path.string(), "': ", why, ".", kRemedy));
}

/// A file read through zlib, which hands uncompressed bytes on as they are.
class GzipFile {
 public:
  explicit GzipFile(fs::path path)
      : path_(std::move(path)), file_(gzopen(path_.c_str(), "rb"), gzclose) {
    if (!file_) fail(path_, "the file cannot be opened");
    gzbuffer(file_.get(), 1U << 17U);
  }

  const fs::path& path() const { return path_; }

  /// Up to `size` bytes; fewer only at the end of the file.
  std::vector<uint8_t> read(size_t size) {
    constexpr size_t kChunk = size_t{1} << 20U;  // Memory follows the file, not a damaged header.
    std::vector<uint8_t> bytes;
    while (bytes.size() < size) {
      const size_t old_size = bytes.size();
      bytes.resize(old_size + std::min(kChunk, size - old_size));
      const int got = gzread(
          file_.get(), bytes.data() + old_size, static_cast<unsigned>(bytes.size() - old_size));
      if (got < 0) fail_compressed();
      bytes.resize(old_size + static_cast<size_t>(got));
      if (got == 0) break;
    }
    return bytes;
  }

  /// Throws Error unless the compressed stream is whole and nothing follows what was read.
  void expect_end() {
    if (!read(1).empty()) fail(path_, "it goes on after the last item that its header promises");
    int code = Z_OK;
    gzerror(file_.get(), &code);
    if (code == Z_BUF_ERROR) fail(path_, "the compressed data are truncated");
  }

 private:
  [[noreturn]] void fail_compressed() {
    int code = Z_OK;
    const char* message = gzerror(file_.get(), &code);
    fail(path_, cat("the compressed data are damaged (", message, ")"));
  }

  fs::path path_;
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file_;
};

fs::path find_file(const fs::path& folder, const std::string& name) {
  std::error_code code;
  for (const fs::path& path : {folder / (name + ".gz"), folder / name}) {
    if (fs::is_regular_file(path, code)) return path;
  }
  fail(folder / (name + ".gz"), "there is no such file");
}

uint32_t big_endian(std::span<const uint8_t> bytes) {
  uint32_t value = 0;
  for (const uint8_t byte : bytes.first(4)) value = value << 8U | byte;
  return value;
}

/// The header's axes, after its first word.
std::vector<int64_t> read_axes(GzipFile& file, uint32_t magic, size_t rank) {
  const std::vector<uint8_t> header = file.read(4 + 4 * rank);
  if (header.size() < 4 + 4 * rank) fail(file.path(), "the file is truncated in its header");
  const uint32_t found = big_endian(header);
  if (found != magic) {
    fail(file.path(), cat("expected an IDX file that begins with ", magic, ", got ", found));
  }
  std::vector<int64_t> axes;
  for (size_t i = 1; i <= rank; ++i) axes.push_back(big_endian(std::span(header).subspan(4 * i)));
  if (axes[0] == 0) fail(file.path(), "it holds no items");
  return axes;
}

std::vector<uint8_t> read_body(GzipFile& file, int64_t size) {
  std::vector<uint8_t> bytes = file.read(static_cast<size_t>(size));
  if (bytes.size() != static_cast<size_t>(size)) {
    fail(file.path(),
         cat("the file is truncated: expected ",
             size,
             " bytes after its header, got ",
             bytes.size()));
  }
  file.expect_end();
  return bytes;
}

std::vector<uint8_t> read_images(const fs::path& path) {
  GzipFile file(path);
  const std::vector<int64_t> axes = read_axes(file, kImageMagic, 3);
  if (axes[1] != kSide || axes[2] != kSide) {
    fail(path, cat("expected images of 28x28 pixels, got ", axes[1], "x", axes[2]));
  }
  return read_body(file, axes[0] * kSide * kSide);
}

std::vector<int32_t> read_labels(const fs::path& path) {
  GzipFile file(path);
  const std::vector<uint8_t> bytes = read_body(file, read_axes(file, kLabelMagic, 1)[0]);
  const auto wrong = std::ranges::find_if(bytes, [](uint8_t b) { return b >= kClasses.size(); });
  if (wrong != bytes.end()) {
    fail(path, cat("label ", wrong - bytes.begin(), " is ", int{*wrong}, ", expected 0 to 9"));
  }
  return {bytes.begin(), bytes.end()};
}

std::shared_ptr<const Dataset> read_split(const fs::path& folder, const std::string& prefix) {
  const fs::path image_path = find_file(folder, prefix + "-images-idx3-ubyte");
  const fs::path label_path = find_file(folder, prefix + "-labels-idx1-ubyte");
  DecodedImages images{.shape = {.channels = 1, .height = kSide, .width = kSide},
                       .classes = {kClasses.begin(), kClasses.end()},
                       .pixels = read_images(image_path),
                       .labels = read_labels(label_path)};
  const auto count = images.pixels.size() / static_cast<size_t>(images.shape.size());
  if (count != images.labels.size()) {
    fail(label_path,
         cat("it holds ",
             images.labels.size(),
             " labels, but there are ",
             count,
             " images in '",
             image_path.filename().string(),
             "'"));
  }
  return std::make_shared<MemoryDataset>(std::move(images));
}

}  // namespace

DataSplits open_fashion_mnist(const fs::path& folder) {
  return {.name = "fashion-mnist",
          .train = read_split(folder, "train"),
          .test = read_split(folder, "t10k")};
}

fs::path fashion_mnist_package_folder() { return "/usr/share/datasets/fashion-mnist"; }

}  // namespace morph
