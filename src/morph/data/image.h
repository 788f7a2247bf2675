#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace morph {

/// A decoded colour image: `height` rows of `width` pixels, each red, green, blue.
struct Image {
  int64_t height = 0;
  int64_t width = 0;
  std::vector<uint8_t> pixels = {};  ///< [height, width, 3].
};

/// Reads a JPEG or PNG file, told apart by their first bytes. Grey, CMYK and palette images become
/// RGB; 16 bits per channel become 8; what is transparent is laid over white. Throws Error naming
/// the file and what is wrong with it.
Image read_image(const std::filesystem::path& path);

/// The decoders behind read_image(). Throw Error with the reason alone.
Image decode_jpeg(std::span<const uint8_t> bytes);
Image decode_png(std::span<const uint8_t> bytes);

/// Throws Error if an image of this size is not worth the memory: above 2²⁷ pixels.
void check_image_size(int64_t height, int64_t width);

/// The image scaled so that its shorter side is `size`, then cropped in the middle to
/// [size, size, 3]. Scaling is linear interpolation; on the way down the triangle is as wide as the
/// scale, so that every source pixel counts (no aliasing). An image that is size×size comes back as
/// it is.
Image resize_and_crop(const Image& image, int64_t size);

/// The pixels as planes, [3, height, width].
std::vector<uint8_t> to_planes(const Image& image);

}  // namespace morph
