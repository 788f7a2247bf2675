#include "morph/data/image_folder.h"

#include <string>
#include <vector>

#include "expect_error.h"
#include "image_files.h"
#include "pixels.h"
#include "temporary_folder.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/base/file.h"

namespace morph {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

/// Two classes; training images of several kinds and sizes, one test image each.
void write_folder(const fs::path& folder, const std::string& test_name = "test") {
  write_jpeg(folder / "train/dog/2.JPG", filled(40, 30, {200, 10, 10}), JpegKind::kRgb);
  write_png(folder / "train/dog/1.png", filled(16, 16, {1, 2, 3}), PngKind::kRgb);
  write_jpeg(folder / "train/cat/x.jpeg", filled(16, 20, {90}), JpegKind::kGrey);
  write_png(folder / test_name / "cat/a.png", filled(5, 5, {50}), PngKind::kGrey);
  write_png(folder / test_name / "dog/a.png", filled(5, 5, {60}), PngKind::kGrey);
}

class ImageFolderTest : public testing::Test {
 protected:
  void SetUp() override { write_folder(folder_.path()); }

  TemporaryFolder folder_;
};

TEST_F(ImageFolderTest, ListsClassesAndFilesInOrder) {
  overwrite(folder_ / "train/dog/notes.txt", "x");
  overwrite(folder_ / "train/dog/.hidden.png", "x");
  overwrite(folder_ / "train/README", "x");
  const FolderListing listing = list_image_folder(folder_.path());
  EXPECT_THAT(listing.classes, ElementsAre("cat", "dog"));
  EXPECT_THAT(listing.train.labels, ElementsAre(0, 1, 1));
  EXPECT_EQ(listing.train.paths[1].filename(), "1.png");
  EXPECT_EQ(listing.train.paths[2].filename(), "2.JPG");
  EXPECT_EQ(listing.ignored, 2);
}

TEST_F(ImageFolderTest, DecodesResizesAndLabels) {
  const DataSplits data = open_data("folder:" + folder_.path().string(), {.image_size = 8});
  ASSERT_EQ(data.train->size(), 3);
  ASSERT_EQ(data.test->size(), 2);
  EXPECT_EQ(data.train->shape(), (ImageShape{.channels = 3, .height = 8, .width = 8}));
  std::vector<uint8_t> pixels(3 * 8 * 8);
  EXPECT_EQ(data.train->get(1, pixels), 1);
  std::vector<uint8_t> expected;  // Planes of 1, 2 and 3.
  for (uint8_t value = 1; value <= 3; ++value) expected.insert(expected.end(), 64, value);
  EXPECT_EQ(pixels, expected);
  EXPECT_EQ(data.test->get(0, pixels), 0);
  EXPECT_EQ(pixels, std::vector<uint8_t>(3 * 64, 50));
}

TEST_F(ImageFolderTest, SizeIs32UnlessAsked) {
  EXPECT_EQ(open_data("folder:" + folder_.path().string()).train->shape().width, 32);
  EXPECT_EQ(open_data("folder:" + folder_.path().string() + "?size=12").train->shape().width, 12);
  EXPECT_ERROR(open_data("folder:" + folder_.path().string(), {.image_size = 0}),
               "expected an image size of 1 to 4096, got 0");
}

TEST_F(ImageFolderTest, TakesValForTest) {
  fs::rename(folder_ / "test", folder_ / "val");
  EXPECT_EQ(open_image_folder(folder_.path(), {}).test->size(), 2);
}

TEST_F(ImageFolderTest, DecodesOnAccessWhatIsTooLargeForMemory) {
  const DataSplits lazy = open_image_folder(folder_.path(), {.image_size = 8, .memory_bytes = 0});
  const DataSplits eager = open_image_folder(folder_.path(), {.image_size = 8});
  ASSERT_EQ(lazy.train->size(), 3);
  EXPECT_EQ(lazy.train->shape(), eager.train->shape());
  EXPECT_EQ(lazy.train->classes()[1], "dog");
  for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(pixels_of(*lazy.train, i), pixels_of(*eager.train, i));
}

TEST_F(ImageFolderTest, NamesADamagedFileWhenItIsRead) {
  const fs::path path = folder_ / "train/dog/1.png";
  overwrite(path, read_file(path).substr(0, 60));
  EXPECT_ERROR(open_image_folder(folder_.path(), {}), "cannot decode '" + path.string());
  const DataSplits lazy = open_image_folder(folder_.path(), {.memory_bytes = 0});
  EXPECT_NO_THROW(pixels_of(*lazy.train, 0));
  EXPECT_ERROR(pixels_of(*lazy.train, 1), "cannot decode '" + path.string());
}

TEST_F(ImageFolderTest, NamesTheFirstOfManyDamagedFiles) {
  for (int i = 100; i < 200; ++i) {
    overwrite(folder_ / ("train/cat/" + std::to_string(i) + ".jpg"), "damaged");
  }
  EXPECT_ERROR(open_image_folder(folder_.path(), {}), "train/cat/100.jpg");
}

TEST_F(ImageFolderTest, NamesAMissingFolder) {
  EXPECT_ERROR(open_data("folder:" + (folder_ / "no").string()), "there is no such folder");
  EXPECT_ERROR(open_data("folder:" + (folder_ / "no").string()),
               "Expected DIR/train/<class>/*.jpg or *.png");
  fs::remove_all(folder_ / "test");
  EXPECT_ERROR(open_image_folder(folder_.path(), {}), "it has no folder 'test' or 'val'");
  fs::remove_all(folder_ / "train");
  EXPECT_ERROR(open_image_folder(folder_.path(), {}), "it has no folder 'train'");
}

TEST_F(ImageFolderTest, NamesClassesThatDiffer) {
  write_png(folder_ / "test/emu/a.png", filled(5, 5, {50}), PngKind::kGrey);
  EXPECT_ERROR(open_image_folder(folder_.path(), {}), "train': there is no class 'emu'");
  fs::remove_all(folder_ / "test/emu");
  fs::remove_all(folder_ / "test/dog");
  EXPECT_ERROR(open_image_folder(folder_.path(), {}), "test': there is no class 'dog'");
}

TEST_F(ImageFolderTest, NamesAClassWithoutImages) {
  fs::remove(folder_ / "test/cat/a.png");
  overwrite(folder_ / "test/cat/a.gif", "x");
  EXPECT_ERROR(open_image_folder(folder_.path(), {}), "test/cat': it holds no .jpg");
  fs::remove_all(folder_ / "test/cat");
  fs::remove_all(folder_ / "test/dog");
  EXPECT_ERROR(open_image_folder(folder_.path(), {}), "test': it holds no class folders");
}

}  // namespace
}  // namespace morph
