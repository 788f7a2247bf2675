#include "morph/data/image_folder.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "morph/base/error.h"
#include "morph/data/image.h"
#include "morph/data/memory_dataset.h"

namespace morph {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLayout =
    " Expected DIR/train/<class>/*.jpg or *.png, and the same classes in DIR/test (or DIR/val).";

[[noreturn]] void fail(const fs::path& path, const std::string& why) {
  throw Error(cat("image folder '", path.string(), "': ", why, ".", kLayout));
}

bool is_image_name(const fs::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

/// The visible entries, sorted by name.
std::vector<fs::directory_entry> list(const fs::path& folder) {
  std::error_code code;
  std::vector<fs::directory_entry> entries;
  fs::directory_iterator entry(folder, code);
  for (; !code && entry != fs::directory_iterator(); entry.increment(code)) {
    if (!entry->path().filename().string().starts_with('.')) entries.push_back(*entry);
  }
  if (code) fail(folder, cat("it cannot be listed: ", code.message()));
  std::ranges::sort(entries);
  return entries;
}

bool is_folder(const fs::path& path) {
  std::error_code code;
  return fs::is_directory(path, code);
}

struct Half {
  std::vector<std::string> classes;
  LabelledFiles files;
  int64_t ignored = 0;
};

Half list_half(const fs::path& folder) {
  Half half;
  for (const fs::directory_entry& entry : list(folder)) {
    if (!is_folder(entry)) {
      ++half.ignored;
      continue;
    }
    const auto label = static_cast<int32_t>(half.classes.size());
    half.classes.push_back(entry.path().filename().string());
    const size_t before = half.files.paths.size();
    for (const fs::directory_entry& file : list(entry)) {
      if (is_image_name(file) && !is_folder(file)) {
        half.files.paths.push_back(file);
        half.files.labels.push_back(label);
      } else {
        ++half.ignored;
      }
    }
    if (half.files.paths.size() == before) {
      fail(entry, "it holds no .jpg, .jpeg or .png file");
    }
  }
  if (half.classes.empty()) fail(folder, "it holds no class folders");
  return half;
}

/// Throws Error naming a class of `some` that `others` lacks.
void expect_classes_in(const Half& some, const Half& others, const fs::path& place) {
  for (const std::string& name : some.classes) {
    if (!std::ranges::binary_search(others.classes, name)) {
      fail(place, cat("there is no class '", name, "', which the other half has"));
    }
  }
}

Image read_square(const fs::path& path, int64_t size) {
  return resize_and_crop(read_image(path), size);
}

/// Images that are decoded each time they are asked for.
class FileDataset final : public Dataset {
 public:
  FileDataset(std::vector<std::string> classes, LabelledFiles files, int64_t image_size)
      : classes_(std::move(classes)), files_(std::move(files)), image_size_(image_size) {}

  int64_t size() const override { return static_cast<int64_t>(files_.paths.size()); }
  ImageShape shape() const override {
    return {.channels = 3, .height = image_size_, .width = image_size_};
  }
  std::span<const std::string> classes() const override { return classes_; }

  int64_t get(int64_t i, std::span<uint8_t> pixels) const override {
    MORPH_CHECK(i >= 0 && i < size() && pixels.size() == static_cast<size_t>(shape().size()));
    const auto index = static_cast<size_t>(i);
    std::ranges::copy(to_planes(read_square(files_.paths[index], image_size_)), pixels.begin());
    return files_.labels[index];
  }

 private:
  std::vector<std::string> classes_;
  LabelledFiles files_;
  int64_t image_size_;
};

/// The first failure, by index, among threads that each work through increasing indices.
class FirstFailure {
 public:
  void record(int64_t index, std::exception_ptr error) {
    const std::scoped_lock lock(mutex_);
    if (index >= index_) return;
    index_ = index;
    error_ = std::move(error);
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  int64_t index_ = INT64_MAX;
  std::exception_ptr error_;
};

/// All images of `data`, one after the other, read by all cores.
std::vector<uint8_t> read_all(const Dataset& data) {
  const auto image_size = static_cast<size_t>(data.shape().size());
  std::vector<uint8_t> pixels(static_cast<size_t>(data.size()) * image_size);
  std::atomic<int64_t> claimed = 0;
  FirstFailure failure;
  const auto work = [&] {
    for (int64_t i = claimed++; i < data.size(); i = claimed++) {
      try {
        data.get(i, std::span(pixels).subspan(static_cast<size_t>(i) * image_size, image_size));
      } catch (...) {
        failure.record(i, std::current_exception());
        claimed = data.size();
      }
    }
  };
  const auto cores = static_cast<int64_t>(std::max(1U, std::thread::hardware_concurrency()));
  {
    std::vector<std::jthread> threads;
    for (int64_t k = 1; k < std::min(cores, data.size()); ++k) threads.emplace_back(work);
    work();
  }
  failure.rethrow();
  return pixels;
}

std::shared_ptr<const Dataset> open_half(const std::vector<std::string>& classes,
                                         LabelledFiles files,
                                         const FolderOptions& options) {
  auto lazy = std::make_shared<FileDataset>(classes, files, options.image_size);
  if (lazy->size() > options.memory_bytes / lazy->shape().size()) return lazy;
  return std::make_shared<MemoryDataset>(DecodedImages{.shape = lazy->shape(),
                                                       .classes = classes,
                                                       .pixels = read_all(*lazy),
                                                       .labels = std::move(files.labels)});
}

}  // namespace

FolderListing list_image_folder(const fs::path& folder) {
  if (!is_folder(folder)) fail(folder, "there is no such folder");
  const fs::path train_place = folder / "train";
  const fs::path test_place = is_folder(folder / "test") ? folder / "test" : folder / "val";
  if (!is_folder(train_place)) fail(folder, "it has no folder 'train'");
  if (!is_folder(test_place)) fail(folder, "it has no folder 'test' or 'val'");
  Half train = list_half(train_place);
  Half test = list_half(test_place);
  expect_classes_in(train, test, test_place);
  expect_classes_in(test, train, train_place);
  return {.classes = std::move(train.classes),
          .train = std::move(train.files),
          .test = std::move(test.files),
          .ignored = train.ignored + test.ignored};
}

DataSplits open_image_folder(const fs::path& folder, const FolderOptions& options) {
  constexpr int64_t kMaxSide = 4096;
  if (options.image_size < 1 || options.image_size > kMaxSide) {
    throw Error(cat("image folder '",
                    folder.string(),
                    "': expected an image size of 1 to ",
                    kMaxSide,
                    ", got ",
                    options.image_size));
  }
  FolderListing listing = list_image_folder(folder);
  return {.name = cat("folder:", folder.string()),
          .train = open_half(listing.classes, std::move(listing.train), options),
          .test = open_half(listing.classes, std::move(listing.test), options)};
}

}  // namespace morph
