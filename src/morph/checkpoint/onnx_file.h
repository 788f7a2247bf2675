#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "morph/checkpoint/network_file.h"
#include "morph/onnx/export.h"
#include "morph/onnx/import.h"

namespace morph {

/// Reads an ONNX file as a network with weights, float32 copies on the CPU.
Network read_onnx_network(const std::filesystem::path& path,
                          const onnx::ImportOptions& options = {});

/// The weights of an imported network as tensors of their own.
Params to_params(const onnx::Imported& imported);

/// How a network is written to an ONNX file.
struct OnnxFileOptions {
  enum class BatchNorm {
    kKeep,
    kFold,  ///< Into the layers before; see onnx::fold_batch_norm().
  };
  enum class Mismatch {
    kRefuse,  ///< A file that ONNX Runtime computes something else from is not written.
    kAccept,
  };
  onnx::ExportOptions model = {};
  BatchNorm batch_norm = BatchNorm::kKeep;
  onnx::Placement placement = onnx::Placement::kInside;
  Mismatch mismatch = Mismatch::kRefuse;
};

/// Whether and how far a file differs from the network that it was written from, both on random
/// inputs, with the network in double precision and in eval mode.
struct OnnxCertificate {
  bool was_run = false;   ///< False where ONNX Runtime is not installed.
  double difference = 0;  ///< max |ONNX Runtime − network| / max |network|.
  double rounding = 0;    ///< The same of the network in float32, here; measured where the
                          ///< difference is above kLargestOnnxDifference, to tell a file that is
                          ///< wrong from a network that float32 cannot compute.

  /// Whether the file computes the network, to kLargestOnnxDifference.
  bool holds() const;
};

/// The largest difference of a certificate that holds: float32 sums in another order.
inline constexpr double kLargestOnnxDifference = 1e-4;

/// Writes a network with its weights to an ONNX file and, where it is installed, runs that in ONNX
/// Runtime beside the network. Gates are folded into the layers before them. What is not known of a
/// network, its Opaque nodes, is left out of the comparison: what they read and what is made of
/// what they make is compared. Throws Error if the network has no weights, or the certificate does
/// not hold.
OnnxCertificate write_onnx_network(const std::filesystem::path& path,
                                   const Network& network,
                                   const OnnxFileOptions& options = {});

/// The outputs of an ONNX file in ONNX Runtime, float32. Runs the Python interpreter of the
/// environment variable MORPHNET_PYTHON, of the source tree's .venv, or `python3`; nothing where
/// that has no package `onnxruntime`. Throws Error with ONNX Runtime's message if it refuses.
std::optional<std::vector<at::Tensor>> run_onnx_runtime(const std::filesystem::path& path,
                                                        std::span<const at::Tensor> inputs);

/// Runs a file in ONNX Runtime beside the network it was written from, which has no Opaque nodes.
OnnxCertificate certify_onnx(const std::filesystem::path& path, const Network& network);

/// A folder for files on their way, gone with its owner.
class WorkFolder {
 public:
  WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder();

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  std::string string() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace morph
