#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace morph {

/// Rows of interleaved samples, for the writers below.
struct Samples {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> values = {};
};

/// A picture of one colour; `colour` has one value per channel.
Samples filled(int width, int height, const std::vector<uint8_t>& colour);

enum class JpegKind { kGrey, kRgb, kCmyk };

/// By libjpeg at quality 100; CMYK as Adobe's programs write it, with an Adobe marker.
void write_jpeg(const std::filesystem::path& path, const Samples& samples, JpegKind kind);

enum class PngKind { kGrey, kGreyAlpha, kRgb, kRgba, kPalette, kGrey16, kRgbInterlaced };

/// By libpng. For kPalette the samples are indices into black, red, green, blue (alpha 0).
/// For kGrey16 each sample takes two bytes, the higher one first.
void write_png(const std::filesystem::path& path, const Samples& samples, PngKind kind);

}  // namespace morph
