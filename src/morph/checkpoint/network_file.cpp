#include "morph/checkpoint/network_file.h"

#include <system_error>

#include "morph/analysis/shapes.h"
#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/checkpoint/onnx_file.h"
#include "morph/checkpoint/safetensors.h"
#include "morph/ir/text.h"
#include "morph/ir/verify.h"

namespace morph {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExtension = ".morph";
constexpr const char* kOnnxExtension = ".onnx";

bool is_onnx(const fs::path& path) { return path.extension() == kOnnxExtension; }

/// The file that holds the weights of the network at `path`.
fs::path weights_path(const fs::path& path) {
  if (path.extension() != kExtension) {
    throw Error(cat("'",
                    path.string(),
                    "': the name of a network file must end in ",
                    kExtension,
                    " or ",
                    kOnnxExtension));
  }
  return fs::path(path).replace_extension(".safetensors");
}

Graph read_graph(const fs::path& path) {
  const std::string text = read_file(path);
  try {
    Graph graph = infer_shapes(parse_graph(text));
    verify(graph);
    return graph;
  } catch (const Error& error) {
    throw Error(cat("'", path.string(), "': ", error.what()));
  }
}

Params read_params(const fs::path& path, const Graph& graph) {
  Params params = read_safetensors(path).tensors;
  try {
    check_params(graph, params);
  } catch (const Error& error) {
    throw Error(cat("'", path.string(), "': ", error.what()));
  }
  return params;
}

void remove_old(const fs::path& path) {
  std::error_code code;
  fs::remove(path, code);
  if (code == std::errc::not_a_directory) return;  // Then none is there; writing will say more.
  if (code) throw Error(cat("cannot remove '", path.string(), "': ", code.message()));
}

}  // namespace

bool is_network_file(const fs::path& path) {
  return path.extension() == kExtension || is_onnx(path);
}

Network read_network(const fs::path& path) {
  if (is_onnx(path)) return read_onnx_network(path);
  const fs::path weights = weights_path(path);
  Network network{.graph = read_graph(path)};
  std::error_code code;
  if (fs::exists(weights, code)) network.params = read_params(weights, network.graph);
  return network;
}

void write_network(const fs::path& path, const Network& network) {
  if (is_onnx(path)) {
    write_onnx_network(path, network);
    return;
  }
  const fs::path weights = weights_path(path);
  // Weights go first: should the graph not follow, they fail the old graph's check, or fit it.
  if (network.params) {
    check_params(network.graph, *network.params);
    write_safetensors(weights, {.tensors = *network.params, .metadata = {{"format", "pt"}}});
  } else {
    remove_old(weights);
  }
  write_file(path, print_graph(network.graph));
}

}  // namespace morph
