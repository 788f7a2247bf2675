#include <vector>

#include <png.h>

#include "morph/base/error.h"
#include "morph/data/image.h"

namespace morph {
namespace {

/// libpng's one-call reader, released however it is left.
class PngReader {
 public:
  PngReader() { png_.version = PNG_IMAGE_VERSION; }
  ~PngReader() { png_image_free(&png_); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  png_image& png() { return png_; }

  void require(int succeeded) const {
    if (succeeded == 0 || PNG_IMAGE_FAILED(png_)) {
      throw Error(cat("the PNG data are damaged or truncated (", png_.message, ")"));
    }
  }

 private:
  png_image png_ = {};
};

uint8_t over_white(uint8_t value, uint8_t alpha) {
  return static_cast<uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255);
}

}  // namespace

Image decode_png(std::span<const uint8_t> bytes) {
  PngReader reader;
  png_image& png = reader.png();
  reader.require(png_image_begin_read_from_memory(&png, bytes.data(), bytes.size()));
  check_image_size(png.height, png.width);
  png.format = PNG_FORMAT_RGBA;
  // Without it, 16-bit files that do not state their gamma would count as linear and come out dark.
  png.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  std::vector<uint8_t> rgba(PNG_IMAGE_SIZE(png));
  reader.require(png_image_finish_read(&png, nullptr, rgba.data(), 0, nullptr));

  Image image{.height = png.height, .width = png.width};
  image.pixels.reserve(rgba.size() / 4 * 3);
  for (size_t i = 0; i < rgba.size(); i += 4) {
    for (size_t c = 0; c < 3; ++c) image.pixels.push_back(over_white(rgba[i + c], rgba[i + 3]));
  }
  return image;
}

}  // namespace morph
