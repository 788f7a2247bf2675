#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "morph/ir/graph.h"
#include "morph/onnx/model.h"

namespace morph::onnx {

/// How a network is written.
struct ExportOptions {
  /// Version of the ONNX operators, 13 to 25; by default 17, or the first that has all the ops.
  std::optional<int64_t> opset = {};
  /// Free texts that go into the file: where the structure comes from.
  std::map<std::string, std::string> metadata = {};
};

/// A graph with its weights as an ONNX model. Nodes and initializers have the names of our nodes
/// and tensors, values those of the nodes that make them; the batch is open. BatchNormalization is
/// written in its inference form. The weights must outlive the model; subnormal ones become 0.
/// Throws Error if the opset lacks an op, or a weight is missing or has another shape.
Model export_model(const Graph& graph,
                   const std::map<std::string, Array>& weights,
                   const ExportOptions& options = {});

}  // namespace morph::onnx
