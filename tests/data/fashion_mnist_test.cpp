#include "morph/data/fashion_mnist.h"

#include <numeric>
#include <string>
#include <vector>

#include "expect_error.h"
#include "pixels.h"
#include "scoped_variable.h"
#include "temporary_folder.h"
#include <gtest/gtest.h>
#include <zlib.h>

#include "morph/base/file.h"
#include "morph/data/dataset.h"
#include "morph/data/normalization.h"

namespace morph {
namespace {

namespace fs = std::filesystem;

std::string word(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFFU);
  return bytes;
}

/// `count` images; image i is grey level i everywhere.
std::string image_file(uint32_t count) {
  std::string bytes = word(0x803) + word(count) + word(28) + word(28);
  for (uint32_t i = 0; i < count; ++i) bytes += std::string(28 * 28, static_cast<char>(i));
  return bytes;
}

std::string label_file(const std::string& labels) {
  return word(0x801) + word(static_cast<uint32_t>(labels.size())) + labels;
}

void write_gzip(const fs::path& path, const std::string& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())),
            static_cast<int>(bytes.size()));
  ASSERT_EQ(gzclose(file), Z_OK);
}

const std::string kThreeLabels("\x04\x00\x09", 3);
const std::string kTwoLabels("\x01\x02", 2);

/// Three training and two test images, compressed.
void write_small_set(const fs::path& folder) {
  write_gzip(folder / "train-images-idx3-ubyte.gz", image_file(3));
  write_gzip(folder / "train-labels-idx1-ubyte.gz", label_file(kThreeLabels));
  write_gzip(folder / "t10k-images-idx3-ubyte.gz", image_file(2));
  write_gzip(folder / "t10k-labels-idx1-ubyte.gz", label_file(kTwoLabels));
}

class FashionMnistFilesTest : public testing::Test {
 protected:
  void SetUp() override { write_small_set(folder_.path()); }

  TemporaryFolder folder_;
};

TEST(FashionMnistTest, ReadsTheRealFiles) {
  if (!fs::exists(fashion_mnist_package_folder())) {
    GTEST_SKIP() << "the Debian package dataset-fashion-mnist is not installed";
  }
  const DataSplits data = open_data("fashion-mnist", {.root = fashion_mnist_package_folder()});
  EXPECT_EQ(data.name, "fashion-mnist");
  EXPECT_EQ(data.train->size(), 60000);
  EXPECT_EQ(data.test->size(), 10000);
  EXPECT_EQ(data.train->shape(), (ImageShape{.channels = 1, .height = 28, .width = 28}));
  EXPECT_EQ(data.train->classes()[9], "Ankle boot");

  // Sums and labels by Python's gzip module, bytes after the 16- and 8-byte headers of the files.
  const auto sum = [](const Dataset& split, int64_t i) {
    const std::vector<uint8_t> pixels = pixels_of(split, i);
    return std::accumulate(pixels.begin(), pixels.end(), int64_t{0});
  };
  EXPECT_EQ(label_of(*data.train, 0), 9);
  EXPECT_EQ(label_of(*data.train, 12345), 8);
  EXPECT_EQ(label_of(*data.train, 59999), 5);
  EXPECT_EQ(label_of(*data.test, 0), 9);
  EXPECT_EQ(label_of(*data.test, 9999), 5);
  EXPECT_EQ(sum(*data.train, 0), 76247);
  EXPECT_EQ(sum(*data.train, 12345), 97611);
  EXPECT_EQ(sum(*data.train, 59999), 16684);
  EXPECT_EQ(sum(*data.test, 0), 33456);

  // The same over all training images, to the digits of the division.
  const Normalization normalization = measure_normalization(*data.train, 60000);
  EXPECT_NEAR(normalization.mean[0], 0.2860405969887955, 1e-12);
  EXPECT_NEAR(normalization.stddev[0], 0.3530242445149226, 1e-12);
}

TEST_F(FashionMnistFilesTest, ReadsCompressedFiles) {
  const DataSplits data = open_fashion_mnist(folder_.path());
  EXPECT_EQ(data.train->size(), 3);
  EXPECT_EQ(data.test->size(), 2);
  EXPECT_EQ(label_of(*data.train, 0), 4);
  EXPECT_EQ(label_of(*data.train, 2), 9);
  EXPECT_EQ(pixels_of(*data.train, 2), std::vector<uint8_t>(28 * 28, 2));
}

TEST_F(FashionMnistFilesTest, ReadsUncompressedFiles) {
  fs::remove(folder_ / "train-images-idx3-ubyte.gz");
  overwrite(folder_ / "train-images-idx3-ubyte", image_file(3));
  const DataSplits data = open_fashion_mnist(folder_.path());
  EXPECT_EQ(pixels_of(*data.train, 1), std::vector<uint8_t>(28 * 28, 1));
}

TEST_F(FashionMnistFilesTest, NamesAMissingFileAndTheRemedy) {
  fs::remove(folder_ / "t10k-labels-idx1-ubyte.gz");
  EXPECT_ERROR(open_fashion_mnist(folder_.path()),
               (folder_ / "t10k-labels-idx1-ubyte.gz").string() + "': there is no such file");
  EXPECT_ERROR(open_fashion_mnist(folder_.path()), "Debian package dataset-fashion-mnist");
}

TEST_F(FashionMnistFilesTest, NamesAFileThatIsCutShort) {
  const fs::path path = folder_ / "train-images-idx3-ubyte.gz";
  const std::string whole = image_file(3);
  write_gzip(path, whole.substr(0, 16 + 1000));
  EXPECT_ERROR(open_fashion_mnist(folder_.path()),
               path.string() + "': the file is truncated: expected 2352 bytes");
  write_gzip(path, whole.substr(0, 10));
  EXPECT_ERROR(open_fashion_mnist(folder_.path()), "truncated in its header");
}

TEST_F(FashionMnistFilesTest, NamesACompressedStreamThatIsCutShort) {
  const fs::path path = folder_ / "train-images-idx3-ubyte.gz";
  const std::string bytes = read_file(path);
  for (const size_t kept : {bytes.size() - 1, bytes.size() - 8, bytes.size() / 2}) {
    overwrite(path, bytes.substr(0, kept));
    EXPECT_ERROR(open_fashion_mnist(folder_.path()), "truncated");
  }
}

TEST_F(FashionMnistFilesTest, NamesAFileWithFlippedBits) {
  const fs::path path = folder_ / "t10k-labels-idx1-ubyte.gz";
  std::string bytes = read_file(path);
  bytes[bytes.size() - 6] ^= 0x10;  // In the checksum, the four bytes before the last four.
  overwrite(path, bytes);
  EXPECT_ERROR(open_fashion_mnist(folder_.path()),
               path.string() + "': the compressed data are damaged");
}

TEST_F(FashionMnistFilesTest, NamesAFileOfAnotherKind) {
  write_gzip(folder_ / "train-images-idx3-ubyte.gz", label_file(kThreeLabels) + image_file(3));
  EXPECT_ERROR(open_fashion_mnist(folder_.path()), "begins with 2051, got 2049");
  write_gzip(folder_ / "train-images-idx3-ubyte.gz",
             word(0x803) + word(1) + word(32) + word(28) + std::string(32 * 28, 'x'));
  EXPECT_ERROR(open_fashion_mnist(folder_.path()), "expected images of 28x28 pixels, got 32x28");
  write_gzip(folder_ / "train-images-idx3-ubyte.gz", image_file(0));
  EXPECT_ERROR(open_fashion_mnist(folder_.path()), "it holds no items");
}

TEST_F(FashionMnistFilesTest, NamesLabelsThatCannotBe) {
  const fs::path path = folder_ / "train-labels-idx1-ubyte.gz";
  write_gzip(path, label_file(std::string("\x04\x0A\x09", 3)));
  EXPECT_ERROR(open_fashion_mnist(folder_.path()), "label 1 is 10, expected 0 to 9");
  write_gzip(path, label_file(kTwoLabels));
  EXPECT_ERROR(open_fashion_mnist(folder_.path()),
               "it holds 2 labels, but there are 3 images in 'train-images-idx3-ubyte.gz'");
  write_gzip(path, label_file(kThreeLabels) + "x");
  EXPECT_ERROR(open_fashion_mnist(folder_.path()), "goes on after the last item");
}

TEST_F(FashionMnistFilesTest, IsFoundByRootPathAndEnvironment) {
  const std::string folder = folder_.path().string();
  EXPECT_EQ(open_data("fashion-mnist", {.root = folder}).train->size(), 3);
  EXPECT_EQ(open_data("fashion-mnist:" + folder).train->size(), 3);
  const std::string parent = folder_.path().parent_path().string();
  EXPECT_EQ(open_data("fashion-mnist:" + folder_.path().filename().string(), {.root = parent})
                .train->size(),
            3);
  const ScopedVariable variable("MORPHNET_DATA", folder);
  EXPECT_EQ(open_data("fashion-mnist").train->size(), 3);
}

TEST_F(FashionMnistFilesTest, IsFoundInAFolderOfItsNameInTheEnvironment) {
  fs::create_directories(folder_ / "all/fashion-mnist");
  write_small_set(folder_ / "all/fashion-mnist");
  const ScopedVariable variable("MORPHNET_DATA", (folder_ / "all").string());
  EXPECT_EQ(open_data("fashion-mnist").train->size(), 3);
  fs::remove_all(folder_ / "all/fashion-mnist");
  EXPECT_ERROR(open_data("fashion-mnist"),
               (folder_ / "all/fashion-mnist/train-images-idx3-ubyte.gz").string());
}

}  // namespace
}  // namespace morph
