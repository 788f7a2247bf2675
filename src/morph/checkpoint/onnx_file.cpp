#include "morph/checkpoint/onnx_file.h"

#include <cstring>
#include <utility>

#include <ATen/ops/empty.h>

#include "morph/base/error.h"
#include "morph/nn/fold_gates.h"
#include "morph/onnx/fold_bn.h"

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

}  // namespace

Params to_params(const std::map<std::string, onnx::Array>& weights) {
  Params params;
  for (const auto& [name, array] : weights) {
    MORPH_CHECK(array.type == onnx::DataType::kFloat);
    at::Tensor tensor = at::empty(array.shape, at::kFloat);
    MORPH_CHECK(tensor.nbytes() == array.bytes.size());
    std::memcpy(tensor.data_ptr(), array.bytes.data(), array.bytes.size());
    params[name] = std::move(tensor);
  }
  return params;
}

Network read_onnx_network(const fs::path& path, const onnx::ImportOptions& options) {
  onnx::Imported imported = onnx::read_onnx(path, options);
  Network network{.graph = std::move(imported.graph),
                  .params = to_params(imported.weights),
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
  const auto write = [&](const fs::path& target) {
    onnx::write_model(target,
                      onnx::export_model(written.graph, written.weights, options.model),
                      options.placement);
  };
  // Judged before it stands under its name: a file that is wrong is never seen there.
  const WorkFolder folder;
  write(folder / "network.onnx");
  const OnnxCertificate certificate = certify_onnx(folder / "network.onnx", network);
  const bool is_equal = certificate.difference <= kLargestOnnxDifference;
  if (!is_equal && options.mismatch == OnnxFileOptions::Mismatch::kRefuse) {
    throw Error(cat("'",
                    path.string(),
                    "' is not written: ONNX Runtime would compute something else, by ",
                    certificate.difference,
                    " relative (at most ",
                    kLargestOnnxDifference,
                    "); --force writes it all the same"));
  }
  write(path);
  return certificate;
}

}  // namespace morph
