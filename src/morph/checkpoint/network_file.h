#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "morph/ir/graph.h"
#include "morph/nn/params.h"

namespace morph {

/// A network as it is on disk: structure, and weights if there are any.
struct Network {
  Graph graph = Graph();
  std::optional<Params> params = {};
  std::vector<std::string> notes = {};  ///< What a reader of the file may want to know.
};

/// Whether a file of this name can hold a network: X.morph or X.onnx.
bool is_network_file(const std::filesystem::path& path);

/// Reads `X.morph` (the text form) and, if it is there, `X.safetensors` beside it, or `X.onnx`
/// (see read_onnx_network()). Shapes are inferred and the weights checked against the graph. Throws
/// Error naming file and fault.
Network read_network(const std::filesystem::path& path);

/// Writes `X.morph` and, with params, `X.safetensors`; without, an old `X.safetensors` is removed
/// so that it cannot be taken for this network's. `X.onnx` is written by write_onnx_network().
void write_network(const std::filesystem::path& path, const Network& network);

}  // namespace morph
