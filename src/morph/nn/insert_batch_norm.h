#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "morph/ir/graph.h"
#include "morph/nn/params.h"

namespace morph {

/// A network that got BatchNormalizations.
struct Normalized {
  Graph graph = Graph();
  Params params = {};
  std::vector<std::string> layers = {};  ///< Those that one was put behind.
};

/// Puts a BatchNormalization, named `<layer>.norm`, behind every convolution and dense layer that
/// none follows and of which a channel may be removed: networks are often exported with theirs
/// folded away, and their scales are what tells which channels are needed. What the network
/// computes at inference stays the same to rounding: with the mean μ and variance σ² of what the
/// layer makes of `batches` (batches of the network's only input), γ = √(σ² + ε) and β = μ; without
/// batches μ = 0, σ² = 1 − ε, γ = 1, β = 0. Throws Error if no layer lacks one.
Normalized insert_batch_norm(const Graph& graph,
                             const Params& params,
                             const std::vector<at::Tensor>& batches = {});

}  // namespace morph
