#include "morph/data/image.h"

#include <string>
#include <vector>

#include "expect_error.h"
#include "image_files.h"
#include "temporary_folder.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/base/error.h"
#include "morph/base/file.h"

namespace morph {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

/// Whether each pixel is within `tolerance` of the colour.
void expect_colour(const Image& image, const std::vector<int>& colour, int tolerance) {
  ASSERT_EQ(image.pixels.size(), static_cast<size_t>(image.height * image.width * 3));
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    ASSERT_NEAR(image.pixels[i], colour[i % 3], tolerance) << "at byte " << i;
  }
}

// A flat colour survives JPEG at quality 100 but for the rounding of RGB to YCbCr and back, which
// is below two levels.
constexpr int kJpegRounding = 2;

class ImageFileTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
};

TEST_F(ImageFileTest, ReadsColourJpeg) {
  write_jpeg(folder_ / "a.jpg", filled(21, 10, {200, 100, 50}), JpegKind::kRgb);
  const Image image = read_image(folder_ / "a.jpg");
  EXPECT_EQ(image.width, 21);
  EXPECT_EQ(image.height, 10);
  expect_colour(image, {200, 100, 50}, kJpegRounding);
}

TEST_F(ImageFileTest, ReadsGreyJpegAsColour) {
  write_jpeg(folder_ / "a.jpg", filled(9, 9, {77}), JpegKind::kGrey);
  expect_colour(read_image(folder_ / "a.jpg"), {77, 77, 77}, kJpegRounding);
}

TEST_F(ImageFileTest, ReadsCmykJpeg) {
  // With Adobe's marker 255 is no ink: red 255·204/255, green 128·204/255, blue 0.
  write_jpeg(folder_ / "a.jpg", filled(8, 8, {255, 128, 0, 204}), JpegKind::kCmyk);
  expect_colour(read_image(folder_ / "a.jpg"), {204, 102, 0}, kJpegRounding);
}

TEST_F(ImageFileTest, ReadsPngKinds) {
  const auto read = [&](const Samples& samples, PngKind kind) {
    write_png(folder_ / "a.png", samples, kind);
    return read_image(folder_ / "a.png");
  };
  expect_colour(read(filled(3, 2, {9}), PngKind::kGrey), {9, 9, 9}, 0);
  expect_colour(read(filled(3, 2, {1, 2, 3}), PngKind::kRgb), {1, 2, 3}, 0);
  // 0x8080 is 128.5 of 257 levels each; the high byte is what 8 bits can say.
  expect_colour(read(filled(3, 2, {0x80, 0x80}), PngKind::kGrey16), {128, 128, 128}, 0);
  // 51 of 255 opaque over white: (100·51 + 255·204)/255 = 224.
  expect_colour(read(filled(3, 2, {100, 51}), PngKind::kGreyAlpha), {224, 224, 224}, 0);
  expect_colour(read(filled(3, 2, {7, 8, 9, 0}), PngKind::kRgba), {255, 255, 255}, 0);
  expect_colour(read(filled(3, 2, {7, 8, 9, 255}), PngKind::kRgba), {7, 8, 9}, 0);
}

TEST_F(ImageFileTest, ReadsPalettePng) {
  write_png(
      folder_ / "a.png", {.width = 2, .height = 2, .values = {0, 1, 2, 3}}, PngKind::kPalette);
  EXPECT_THAT(read_image(folder_ / "a.png").pixels,
              ElementsAre(0, 0, 0, 255, 0, 0, 0, 255, 0, 255, 255, 255));
}

TEST_F(ImageFileTest, ReadsInterlacedPng) {
  Samples samples{.width = 11, .height = 9};
  for (int i = 0; i < 11 * 9 * 3; ++i) samples.values.push_back(static_cast<uint8_t>(i * 7));
  write_png(folder_ / "a.png", samples, PngKind::kRgbInterlaced);
  EXPECT_EQ(read_image(folder_ / "a.png").pixels, samples.values);
}

TEST_F(ImageFileTest, TellsKindsApartByContent) {
  write_png(folder_ / "a.jpg", filled(3, 2, {1, 2, 3}), PngKind::kRgb);
  expect_colour(read_image(folder_ / "a.jpg"), {1, 2, 3}, 0);
}

TEST_F(ImageFileTest, NamesFilesThatAreNoImages) {
  overwrite(folder_ / "a.png", "not a picture");
  EXPECT_ERROR(read_image(folder_ / "a.png"),
               "cannot decode '" + (folder_ / "a.png").string() + "': it is neither a JPEG nor");
  overwrite(folder_ / "a.png", "");
  EXPECT_ERROR(read_image(folder_ / "a.png"), "the file is empty");
  EXPECT_ERROR(read_image(folder_ / "b.png"), (folder_ / "b.png").string());
}

Samples noise(int width, int height) {
  Samples samples{.width = width, .height = height};
  uint32_t state = 1;
  for (int i = 0; i < width * height * 3; ++i) {
    state = state * 1664525U + 1013904223U;
    samples.values.push_back(static_cast<uint8_t>(state >> 24U));
  }
  return samples;
}

TEST_F(ImageFileTest, NamesTruncatedFilesWhereverTheyAreCut) {
  write_jpeg(folder_ / "a.jpg", noise(40, 30), JpegKind::kRgb);
  write_png(folder_ / "a.png", noise(40, 30), PngKind::kRgb);
  for (const char* name : {"a.jpg", "a.png"}) {
    const std::string bytes = read_file(folder_ / name);
    for (size_t kept = 8; kept + 16 < bytes.size(); kept += bytes.size() / 50) {
      overwrite(folder_ / "cut", bytes.substr(0, kept));
      EXPECT_ERROR(read_image(folder_ / "cut"), "damaged or truncated");
    }
  }
}

TEST_F(ImageFileTest, DamagedFilesNeverDoWorseThanAnError) {
  write_jpeg(folder_ / "a.jpg", noise(40, 30), JpegKind::kRgb);
  write_png(folder_ / "a.png", noise(40, 30), PngKind::kRgb);
  int refused = 0;
  for (const char* name : {"a.jpg", "a.png"}) {
    const std::string bytes = read_file(folder_ / name);
    for (size_t at = 0; at < bytes.size(); at += 1 + bytes.size() / 150) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x5A);
      overwrite(folder_ / "damaged", damaged);
      try {
        const Image image = read_image(folder_ / "damaged");
        EXPECT_EQ(image.pixels.size(), static_cast<size_t>(image.height * image.width * 3));
      } catch (const Error&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 100);  // Every damage to the PNG's data, at least, breaks a checksum.
}

TEST(CheckImageSizeTest, RefusesWhatWouldFillTheMemory) {
  EXPECT_NO_THROW(check_image_size(1 << 13, 1 << 14));
  EXPECT_ERROR(check_image_size(1 << 14, 1 << 14), "16384x16384 pixels is outside the limits");
  EXPECT_ERROR(check_image_size(0, 5), "5x0 pixels");
}

/// An image whose three channels are equal.
Image grey(int64_t height, int64_t width, const std::vector<uint8_t>& values) {
  Image image{.height = height, .width = width};
  for (const uint8_t value : values) image.pixels.insert(image.pixels.end(), 3, value);
  return image;
}

std::vector<uint8_t> red_of(const Image& image) {
  std::vector<uint8_t> values;
  for (size_t i = 0; i < image.pixels.size(); i += 3) values.push_back(image.pixels[i]);
  return values;
}

TEST(ResizeTest, LeavesTheRightSizeAlone) {
  const Image image = grey(2, 2, {1, 2, 3, 4});
  EXPECT_EQ(resize_and_crop(image, 2).pixels, image.pixels);
}

TEST(ResizeTest, CropsTheMiddleWithoutResampling) {
  // The shorter side fits, so columns 1 and 2 of four are kept as they are.
  const Image wide = grey(2, 4, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_THAT(red_of(resize_and_crop(wide, 2)), ElementsAre(2, 3, 6, 7));
  const Image tall = grey(4, 2, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_THAT(red_of(resize_and_crop(tall, 2)), ElementsAre(3, 4, 5, 6));
}

TEST(ResizeTest, HalvesWithATriangleTwoPixelsToEachSide) {
  // Of eight columns, output 1 lies at 2.5 and weighs columns 1 to 4 by 1/8, 3/8, 3/8, 1/8;
  // output 0 lies at 0.5 and loses a tap at the edge: columns 0 to 2 by 3/7, 3/7, 1/7.
  std::vector<uint8_t> values;
  for (int y = 0; y < 8; ++y) values.insert(values.end(), {70, 0, 0, 80, 0, 0, 0, 0});
  const Image half = resize_and_crop(grey(8, 8, values), 4);
  const std::vector<uint8_t> row = {30, 30, 10, 0};
  std::vector<uint8_t> expected;
  for (int y = 0; y < 4; ++y) expected.insert(expected.end(), row.begin(), row.end());
  // Output 2 lies at 4.5 and weighs column 3 by 1/8.
  EXPECT_THAT(red_of(half), ElementsAreArray(expected));
}

TEST(ResizeTest, DoublesByLinearInterpolation) {
  // Outputs lie at -1/4, 1/4, 3/4 and 5/4 of the two columns.
  const Image twice = resize_and_crop(grey(2, 2, {0, 100, 0, 100}), 4);
  EXPECT_THAT(red_of(twice),
              ElementsAre(0, 25, 75, 100, 0, 25, 75, 100, 0, 25, 75, 100, 0, 25, 75, 100));
}

TEST(ResizeTest, KeepsAFlatColourAtAnySize) {
  for (const int64_t size : {1, 3, 32, 61}) {
    const Image result = resize_and_crop(grey(37, 53, std::vector<uint8_t>(37 * 53, 201)), size);
    EXPECT_EQ(result.height, size);
    EXPECT_EQ(result.width, size);
    expect_colour(result, {201, 201, 201}, 0);
  }
}

TEST(ResizeTest, FineDetailBecomesItsMean) {
  // A checkerboard, 16 times reduced, is grey: nothing of it aliases. The middle outputs see whole
  // periods, so only rounding is left of 127.5.
  std::vector<uint8_t> values;
  for (int i = 0; i < 64 * 64; ++i) {
    values.push_back((i / 64 + i % 64) % 2 == 0 ? uint8_t{0} : uint8_t{255});
  }
  for (const uint8_t value : red_of(resize_and_crop(grey(64, 64, values), 4))) {
    EXPECT_NEAR(value, 127.5, 1);
  }
}

TEST(ToPlanesTest, SeparatesTheChannels) {
  const Image image{.height = 1, .width = 2, .pixels = {1, 2, 3, 4, 5, 6}};
  EXPECT_THAT(to_planes(image), ElementsAre(1, 4, 2, 5, 3, 6));
}

}  // namespace
}  // namespace morph
