#include "morph/data/image.h"

#include <algorithm>
#include <array>
#include <string>

#include "morph/base/error.h"
#include "morph/base/file.h"

namespace morph {
namespace {

constexpr std::array<uint8_t, 3> kJpegStart = {0xFF, 0xD8, 0xFF};
constexpr std::array<uint8_t, 8> kPngStart = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
constexpr int64_t kMaxPixels = int64_t{1} << 27U;

bool begins_with(std::span<const uint8_t> bytes, std::span<const uint8_t> start) {
  return bytes.size() >= start.size() && std::ranges::equal(bytes.first(start.size()), start);
}

Image decode(std::span<const uint8_t> bytes) {
  if (begins_with(bytes, kJpegStart)) return decode_jpeg(bytes);
  if (begins_with(bytes, kPngStart)) return decode_png(bytes);
  throw Error(bytes.empty() ? "the file is empty" : "it is neither a JPEG nor a PNG image");
}

}  // namespace

Image read_image(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  const std::vector<uint8_t> bytes(text.begin(), text.end());
  try {
    return decode(bytes);
  } catch (const Error& error) {
    throw Error(cat(
        "cannot decode '", path.string(), "': ", error.what(), ". Replace the file or remove it."));
  }
}

void check_image_size(int64_t height, int64_t width) {
  if (height < 1 || width < 1 || height > kMaxPixels / width) {
    throw Error(cat("an image of ",
                    width,
                    "x",
                    height,
                    " pixels is outside the limits of 1 to ",
                    kMaxPixels,
                    " pixels"));
  }
}

std::vector<uint8_t> to_planes(const Image& image) {
  const auto plane = static_cast<size_t>(image.height * image.width);
  std::vector<uint8_t> planes(3 * plane);
  for (size_t c = 0; c < 3; ++c) {
    for (size_t i = 0; i < plane; ++i) planes[c * plane + i] = image.pixels[3 * i + c];
  }
  return planes;
}

}  // namespace morph
