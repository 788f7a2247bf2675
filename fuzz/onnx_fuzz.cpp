#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "morph/base/error.h"
#include "morph/onnx/export.h"
#include "morph/onnx/import.h"

namespace {

using morph::onnx::ImportOptions;
using morph::onnx::UnknownOps;

/// Any bytes are refused with an Error, or read as a network that is written (or refused: an op may
/// be newer than any opset) and reads back. Everything else ends the process.
void read_and_write(std::string_view bytes, UnknownOps unknown_ops) {
  constexpr uint64_t kMostComputed = uint64_t{1} << 20;
  const ImportOptions options{.unknown_ops = unknown_ops, .most_computed_bytes = kMostComputed};
  std::string written;
  try {
    const morph::onnx::Imported network =
        morph::onnx::import_model(morph::onnx::parse_model(bytes), options);
    written =
        morph::onnx::serialize_model(morph::onnx::export_model(network.graph, network.weights));
  } catch (const morph::Error&) {
    return;
  }
  try {
    static_cast<void>(
        morph::onnx::import_model(morph::onnx::parse_model(written), {.unknown_ops = unknown_ops}));
  } catch (const morph::Error& error) {
    std::cerr << "what was written is refused: " << error.what() << "\n";
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_and_write(bytes, UnknownOps::kRefuse);
  read_and_write(bytes, UnknownOps::kPassThrough);
  return 0;
}
