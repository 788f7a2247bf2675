#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "morph/base/error.h"
#include "morph/onnx/export.h"
#include "morph/onnx/import.h"

/// Any bytes are refused with an Error, or read as a network that is written (or refused: an op may
/// be newer than any opset) and reads back. Everything else ends the process.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr uint64_t kMostComputed = uint64_t{1} << 20;
  std::string written;
  try {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const morph::onnx::Imported network = morph::onnx::import_model(
        morph::onnx::parse_model(bytes), {.most_computed_bytes = kMostComputed});
    written =
        morph::onnx::serialize_model(morph::onnx::export_model(network.graph, network.weights));
  } catch (const morph::Error&) {
    return 0;
  }
  try {
    static_cast<void>(morph::onnx::import_model(morph::onnx::parse_model(written)));
  } catch (const morph::Error& error) {
    std::cerr << "what was written is refused: " << error.what() << "\n";
    std::abort();
  }
  return 0;
}
