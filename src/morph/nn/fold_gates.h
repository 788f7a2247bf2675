#pragma once

#include "morph/ir/graph.h"
#include "morph/nn/params.h"

namespace morph {

/// Weights for a graph from insert_gates() from those of the graph before: fresh logits, and the
/// node before a gate with soft_inference divided by the σ(logit) that it will be multiplied by.
/// So at inference the network computes what it did, and in training the mean of a hard mask does,
/// but for weights that several nodes share, which are left as they are.
/// Throws Error if the logits begin at or below 0, where gates are shut.
Params gated_params(const Graph& gated, const Params& params);

/// `params` with every gate open: logits at or below 0, where a gate is shut at inference, become a
/// little more than 0. For when it was decided otherwise which channels stay.
Params open_gates(const Graph& graph, Params params);

/// A network that has lost its gates.
struct Ungated {
  Graph graph = Graph();
  Params params = {};
};

/// The network without LogisticGate nodes that computes the same at inference: each gate's mask is
/// multiplied into the weights of the convolution, dense layer or BatchNormalization before it;
/// nothing but Relu, LeakyRelu, Identity, Dropout and pooling may stand between. Throws Error
/// naming the gate where there is no such place and the mask is not 1 throughout.
Ungated fold_gates(const Graph& graph, const Params& params);

}  // namespace morph
