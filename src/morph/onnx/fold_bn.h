#pragma once

#include <map>
#include <string>

#include "morph/ir/graph.h"
#include "morph/onnx/array.h"

namespace morph::onnx {

/// A network after its BatchNormalizations were folded.
struct Folded {
  Graph graph = Graph();
  std::map<std::string, Array> weights = {};
  int64_t count = 0;  ///< Of BatchNormalizations that are gone.
};

/// Multiplies each BatchNormalization into the Conv, ConvTranspose or Gemm before it, for running
/// a network and not for training it: with s = γ / √(σ² + ε), W' = s·W and b' = s·(b − μ) + β.
/// Those stay whose layer is read by others too, or shares its weight. New bytes go to the storage.
Folded fold_batch_norm(const Graph& graph,
                       const std::map<std::string, Array>& weights,
                       Storage& storage);

}  // namespace morph::onnx
