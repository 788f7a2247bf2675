// jpeglib.h needs std::FILE and size_t declared before it.
#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <vector>

#include <jerror.h>
#include <jpeglib.h>

#include "morph/base/error.h"
#include "morph/data/image.h"

namespace morph {
namespace {

/// libjpeg's error handler, which must not return: it jumps back to where `escape` was set.
struct ErrorHandler {
  jpeg_error_mgr base = {};  // First, so that libjpeg's pointer to it is a pointer to all of this.
  std::jmp_buf escape = {};
  std::array<char, JMSG_LENGTH_MAX> message = {};
};

[[noreturn]] void jump_out(j_common_ptr info) {
  auto* handler = reinterpret_cast<ErrorHandler*>(info->err);
  info->err->format_message(info, handler->message.data());
  std::longjmp(handler->escape, 1);
}

/// After these warnings libjpeg makes pixels up; other warnings leave the picture whole.
bool is_loss(int warning) {
  return warning == JWRN_JPEG_EOF || warning == JWRN_HIT_MARKER || warning == JWRN_HUFF_BAD_CODE ||
         warning == JWRN_MUST_RESYNC || warning == JWRN_NOT_SEQUENTIAL;
}

void on_message(j_common_ptr info, int level) {
  if (level < 0 && is_loss(info->err->msg_code)) jump_out(info);
}

void print_nothing(j_common_ptr /*info*/) {}

/// A decompressor. longjmp skips destructors, so each step that may jump is a function of its own
/// with nothing in it to destroy, and says by its result whether it got through.
class JpegReader {
 public:
  JpegReader() {
    info_.err = jpeg_std_error(&handler_.base);
    handler_.base.error_exit = jump_out;
    handler_.base.emit_message = on_message;
    handler_.base.output_message = print_nothing;
  }
  ~JpegReader() { jpeg_destroy_decompress(&info_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  const jpeg_decompress_struct& info() const { return info_; }

  bool start(std::span<const uint8_t> bytes) {
    if (setjmp(handler_.escape) != 0) return false;
    jpeg_create_decompress(&info_);
    jpeg_mem_src(&info_, bytes.data(), bytes.size());
    jpeg_read_header(&info_, TRUE);
    const bool is_cmyk = info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK;
    info_.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    return true;
  }

  bool start_pixels() {
    if (setjmp(handler_.escape) != 0) return false;
    jpeg_start_decompress(&info_);
    return true;
  }

  bool read_pixels(uint8_t* pixels) {
    if (setjmp(handler_.escape) != 0) return false;
    const size_t stride =
        static_cast<size_t>(info_.output_width) * static_cast<size_t>(info_.output_components);
    while (info_.output_scanline < info_.output_height) {
      uint8_t* row = pixels + stride * info_.output_scanline;
      jpeg_read_scanlines(&info_, &row, 1);
    }
    jpeg_finish_decompress(&info_);
    return true;
  }

  void require(bool succeeded) const {
    if (!succeeded) {
      throw Error(cat("the JPEG data are damaged or truncated (", handler_.message.data(), ")"));
    }
  }

 private:
  jpeg_decompress_struct info_ = {};
  ErrorHandler handler_;
};

/// Ink to light, channel by channel; Adobe's programs store the inks inverted.
std::vector<uint8_t> cmyk_to_rgb(std::span<const uint8_t> inks, bool inverted) {
  std::vector<uint8_t> rgb;
  rgb.reserve(inks.size() / 4 * 3);
  const auto light = [inverted](uint8_t ink) { return inverted ? ink : 255 - ink; };
  for (size_t i = 0; i < inks.size(); i += 4) {
    for (size_t c = 0; c < 3; ++c) {
      rgb.push_back(static_cast<uint8_t>((light(inks[i + c]) * light(inks[i + 3]) + 127) / 255));
    }
  }
  return rgb;
}

}  // namespace

Image decode_jpeg(std::span<const uint8_t> bytes) {
  JpegReader reader;
  reader.require(reader.start(bytes));
  check_image_size(reader.info().image_height, reader.info().image_width);
  reader.require(reader.start_pixels());
  const auto& info = reader.info();
  Image image{.height = info.output_height, .width = info.output_width};
  image.pixels.resize(static_cast<size_t>(image.height * image.width) *
                      static_cast<size_t>(info.output_components));
  reader.require(reader.read_pixels(image.pixels.data()));
  if (info.output_components == 4) {
    image.pixels = cmyk_to_rgb(image.pixels, info.saw_Adobe_marker == TRUE);
  }
  return image;
}

}  // namespace morph
