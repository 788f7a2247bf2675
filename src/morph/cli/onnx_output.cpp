#include "morph/cli/onnx_output.h"

#include <filesystem>

#include <CLI/CLI.hpp>

#include "morph/base/error.h"
#include "morph/cli/terminal.h"

namespace morph {

void OutputArgument::add_to(CLI::App& command) {
  command.add_option("-o,--output", path, "Network to write, X.morph or X.onnx")
      ->required()
      ->type_name("OUT");
  command.add_flag(
      "--force", accepts_mismatch, "Write X.onnx even if ONNX Runtime computes otherwise");
}

bool OutputArgument::is_onnx() const { return std::filesystem::path(path).extension() == ".onnx"; }

OnnxFileOptions OutputArgument::options(const std::string& source) const {
  using Mismatch = OnnxFileOptions::Mismatch;
  return {.model = {.metadata = {{"morphnet.command", command_line()},
                                 {"morphnet.source", source},
                                 {"morphnet.version", MORPH_VERSION}}},
          .mismatch = accepts_mismatch ? Mismatch::kAccept : Mismatch::kRefuse};
}

std::vector<std::string> OutputArgument::write(const Network& network,
                                               const std::string& source) const {
  if (is_onnx()) {
    const OnnxCertificate certificate = write_onnx_network(path, network, options(source));
    return {path, describe(certificate)};
  }
  write_network(path, network);
  return {cat(path, network.params ? " with its weights" : ", structure only")};
}

std::string describe(const OnnxCertificate& certificate) {
  if (!certificate.was_run) return "not tried in ONNX Runtime, which is not installed";
  std::string text = cat("differs in ONNX Runtime by ", certificate.difference, " relative");
  if (certificate.rounding > 0) {
    text += cat(", where float32 itself errs by ", certificate.rounding);
  }
  return text;
}

nlohmann::json to_json(const OnnxCertificate& certificate) {
  if (!certificate.was_run) return nullptr;
  nlohmann::json json = {{"difference", certificate.difference}};
  if (certificate.rounding > 0) json["rounding"] = certificate.rounding;
  return json;
}

}  // namespace morph
