#include "morph/checkpoint/onnx_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <ATen/ops/empty.h>

#include "morph/analysis/runnable_part.h"
#include "morph/base/error.h"
#include "morph/nn/fold_gates.h"
#include "morph/onnx/fold_bn.h"
#include "morph/ops/opaque.h"

namespace morph {
namespace {

namespace fs = std::filesystem;

/// The tensors as ONNX's arrays: float32, contiguous, on the CPU. The tensors own the bytes.
struct HeldArrays {
  std::vector<at::Tensor> tensors = {};
  std::map<std::string, onnx::Array> arrays = {};
};

HeldArrays to_arrays(const Params& params) {
  HeldArrays held;
  for (const auto& [name, tensor] : params) {
    const at::Tensor stored = tensor.detach().to(at::kCPU, at::kFloat).contiguous();
    held.tensors.push_back(stored);
    held.arrays[name] = {.shape = {stored.sizes().begin(), stored.sizes().end()},
                         .bytes = {static_cast<const char*>(stored.const_data_ptr()),
                                   static_cast<size_t>(stored.nbytes())}};
  }
  return held;
}

/// The part of a network that can be run, with what it returns and gives to unknown ops.
Graph judged_part(const Graph& graph) {
  Graph part = runnable_part(graph);
  std::vector<NodeId> values(graph.outputs().begin(), graph.outputs().end());
  const std::vector<NodeId> read = read_by_opaque(graph);
  values.insert(values.end(), read.begin(), read.end());
  std::vector<NodeId> outputs;
  for (const NodeId id : values) {
    const bool is_new = std::ranges::find(outputs, id) == outputs.end();
    if (is_new && part[id].op != "Input") outputs.push_back(id);
  }
  part.set_outputs(std::move(outputs));
  return part;
}

/// Errors of float32 on two paths are alike in size; those of a wrong file are not.
std::string blame(const OnnxCertificate& certificate) {
  const bool is_rounding = certificate.rounding > certificate.difference / 10;
  return cat(is_rounding ? "It is the network, which no float32 program computes well: LibTorch "
                           "itself errs by "
                         : "It is not rounding: LibTorch in float32 errs by only ",
             certificate.rounding,
             ".");
}

bool has_opaque(const Graph& graph) { return std::ranges::any_of(graph.nodes(), is_opaque); }

}  // namespace

bool OnnxCertificate::holds() const { return difference <= kLargestOnnxDifference; }

Params to_params(const onnx::Imported& imported) {
  Params params;
  for (const auto& [name, array] : imported.weights) {
    MORPH_CHECK(array.type == onnx::DataType::kFloat);
    at::Tensor tensor = at::empty(array.shape, at::kFloat);
    MORPH_CHECK(tensor.nbytes() == array.bytes.size());
    std::memcpy(tensor.data_ptr(), array.bytes.data(), array.bytes.size());
    imported.storage.let_go(array.bytes);
    params[name] = std::move(tensor);
  }
  return params;
}

Network read_onnx_network(const fs::path& path, const onnx::ImportOptions& options) {
  onnx::Imported imported = onnx::read_onnx(path, options);
  Network network{.graph = std::move(imported.graph),
                  .params = to_params(imported),
                  .notes = std::move(imported.notes)};
  check_params(network.graph, *network.params);
  return network;
}

OnnxCertificate write_onnx_network(const fs::path& path,
                                   const Network& network,
                                   const OnnxFileOptions& options) {
  if (!network.params) {
    throw Error(cat("'",
                    path.string(),
                    "': an ONNX file holds a network with its weights, and '",
                    network.graph.name(),
                    "' has none; write X.morph, or give weights with --weights"));
  }
  check_params(network.graph, *network.params);
  const Ungated plain = fold_gates(network.graph, *network.params);
  const HeldArrays held = to_arrays(plain.params);
  onnx::Storage storage;
  onnx::Folded written{.graph = plain.graph, .weights = held.arrays};
  if (options.batch_norm == OnnxFileOptions::BatchNorm::kFold) {
    written = onnx::fold_batch_norm(plain.graph, held.arrays, storage);
  }
  const auto write = [&](const fs::path& target, const Graph& graph) {
    onnx::write_model(
        target, onnx::export_model(graph, written.weights, options.model), options.placement);
  };
  // Judged before it stands under its name: a file that is wrong is never seen there.
  const WorkFolder folder;
  OnnxCertificate certificate;
  if (!has_opaque(network.graph)) {
    write(folder / "network.onnx", written.graph);
    certificate = certify_onnx(folder / "network.onnx", network);
  } else if (const Graph part = judged_part(network.graph); !part.outputs().empty()) {
    write(folder / "network.onnx", judged_part(written.graph));
    certificate = certify_onnx(folder / "network.onnx", {.graph = part, .params = network.params});
  }
  if (!certificate.holds() && options.mismatch == OnnxFileOptions::Mismatch::kRefuse) {
    throw Error(cat("'",
                    path.string(),
                    "' is not written: ONNX Runtime would compute something else, by ",
                    certificate.difference,
                    " relative (at most ",
                    kLargestOnnxDifference,
                    "). ",
                    blame(certificate),
                    " --force writes it all the same"));
  }
  write(path, written.graph);
  return certificate;
}

}  // namespace morph
