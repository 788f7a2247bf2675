#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "morph/analysis/shapes.h"
#include "morph/base/error.h"
#include "morph/ir/text.h"
#include "morph/ir/verify.h"

/// Any text is refused with an Error, or read as a graph that prints, reads back as itself, and
/// then is refused or given shapes. Everything else ends the process.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const morph::Graph graph = morph::parse_graph(text);
    const std::string printed = morph::print_graph(graph);
    if (morph::print_graph(morph::parse_graph(printed)) != printed) {
      std::cerr << "printed and read again, the graph is another:\n" << printed;
      std::abort();
    }
    morph::verify(graph);
    static_cast<void>(morph::infer_shapes(graph));
  } catch (const morph::Error&) {
    return 0;
  }
  return 0;
}
