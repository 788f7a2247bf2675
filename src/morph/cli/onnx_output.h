#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "morph/checkpoint/onnx_file.h"

namespace CLI {
class App;
}

namespace morph {

/// The argument -o, for a network: X.morph or X.onnx.
struct OutputArgument {
  std::string path = {};
  bool accepts_mismatch = false;

  /// -o and --force.
  void add_to(CLI::App& command);

  bool is_onnx() const;

  /// How a file is written whose network came from `source`, the argument NET.
  OnnxFileOptions options(const std::string& source) const;

  /// Writes the network. Lines for the user, the first with the name of the file.
  std::vector<std::string> write(const Network& network, const std::string& source) const;
};

/// "differs in ONNX Runtime by 2e-07 relative", or why that is not known.
std::string describe(const OnnxCertificate& certificate);

/// {"difference", "rounding"}, null where ONNX Runtime is not installed.
nlohmann::json to_json(const OnnxCertificate& certificate);

}  // namespace morph
