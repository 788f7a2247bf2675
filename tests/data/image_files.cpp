#include "image_files.h"

// jpeglib.h needs std::FILE and size_t declared before it.
#include <array>
#include <cstddef>
#include <cstdio>
#include <memory>

#include <jpeglib.h>
#include <png.h>

#include "morph/base/error.h"
#include "morph/base/file.h"

namespace morph {
namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File open_for_writing(const std::filesystem::path& path) {
  std::filesystem::create_directories(path.parent_path());
  File file(std::fopen(path.c_str(), "wb"), std::fclose);
  if (!file) throw Error("cannot write " + path.string());
  return file;
}

struct PngLayout {
  int colour = 0;
  int depth = 8;
  int bytes_per_pixel = 1;
  int interlace = PNG_INTERLACE_NONE;
};

PngLayout layout_of(PngKind kind) {
  switch (kind) {
    case PngKind::kGrey:
      return {.colour = PNG_COLOR_TYPE_GRAY};
    case PngKind::kGreyAlpha:
      return {.colour = PNG_COLOR_TYPE_GRAY_ALPHA, .bytes_per_pixel = 2};
    case PngKind::kRgb:
      return {.colour = PNG_COLOR_TYPE_RGB, .bytes_per_pixel = 3};
    case PngKind::kRgba:
      return {.colour = PNG_COLOR_TYPE_RGB_ALPHA, .bytes_per_pixel = 4};
    case PngKind::kPalette:
      return {.colour = PNG_COLOR_TYPE_PALETTE};
    case PngKind::kGrey16:
      return {.colour = PNG_COLOR_TYPE_GRAY, .depth = 16, .bytes_per_pixel = 2};
    case PngKind::kRgbInterlaced:
      return {.colour = PNG_COLOR_TYPE_RGB, .bytes_per_pixel = 3, .interlace = PNG_INTERLACE_ADAM7};
  }
  throw Error("no such kind");
}

}  // namespace

Samples filled(int width, int height, const std::vector<uint8_t>& colour) {
  Samples samples{.width = width, .height = height};
  for (int i = 0; i < width * height; ++i) {
    samples.values.insert(samples.values.end(), colour.begin(), colour.end());
  }
  return samples;
}

void write_jpeg(const std::filesystem::path& path, const Samples& samples, JpegKind kind) {
  const File file = open_for_writing(path);
  jpeg_compress_struct jpeg = {};
  jpeg_error_mgr errors = {};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  jpeg_stdio_dest(&jpeg, file.get());
  jpeg.image_width = static_cast<JDIMENSION>(samples.width);
  jpeg.image_height = static_cast<JDIMENSION>(samples.height);
  jpeg.input_components = kind == JpegKind::kGrey ? 1 : kind == JpegKind::kRgb ? 3 : 4;
  jpeg.in_color_space = kind == JpegKind::kGrey  ? JCS_GRAYSCALE
                        : kind == JpegKind::kRgb ? JCS_RGB
                                                 : JCS_CMYK;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 100, TRUE);
  jpeg_start_compress(&jpeg, TRUE);
  const size_t stride = samples.values.size() / static_cast<size_t>(samples.height);
  while (jpeg.next_scanline < jpeg.image_height) {
    auto* row = const_cast<uint8_t*>(samples.values.data() + stride * jpeg.next_scanline);
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
}

void write_png(const std::filesystem::path& path, const Samples& samples, PngKind kind) {
  const File file = open_for_writing(path);
  const PngLayout layout = layout_of(kind);
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, file.get());
  png_set_IHDR(png,
               info,
               static_cast<png_uint_32>(samples.width),
               static_cast<png_uint_32>(samples.height),
               layout.depth,
               layout.colour,
               layout.interlace,
               PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  if (kind == PngKind::kPalette) {
    const std::array<png_color, 4> colours = {
        png_color{0, 0, 0}, png_color{255, 0, 0}, png_color{0, 255, 0}, png_color{0, 0, 255}};
    const std::array<png_byte, 4> alphas = {255, 255, 255, 0};
    png_set_PLTE(png, info, colours.data(), 4);
    png_set_tRNS(png, info, alphas.data(), 4, nullptr);
  }
  std::vector<png_bytep> rows;
  for (int y = 0; y < samples.height; ++y) {
    rows.push_back(const_cast<png_bytep>(samples.values.data()) +
                   y * samples.width * layout.bytes_per_pixel);
  }
  png_set_rows(png, info, rows.data());
  png_write_png(png, info, PNG_TRANSFORM_IDENTITY, nullptr);
  png_destroy_write_struct(&png, &info);
}

}  // namespace morph
