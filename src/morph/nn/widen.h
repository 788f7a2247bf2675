#pragma once

#include <cstdint>

#include "morph/ir/graph.h"
#include "morph/nn/params.h"
#include "morph/transform/rewrite.h"

namespace morph {

/// A network with wider layers and what its weights begin with.
struct Widened {
  Params params = {};
  double difference = 0;  ///< max |widened − original| / max |original| over sample inputs, in eval
                          ///< mode and double precision: rounding, unless an op mixes channels
                          ///< without weights of its own (a norm over channels, attention).
};

/// The weights of `wide`, a graph that resize_channels() or expand() made of `graph` by taking
/// channels several times, such that it computes what `graph` does (Net2WiderNet, Chen et al.
/// 2016): a copy of a channel has the weights that make the channel, and the weights by which
/// copies are read add up to those by which the channel was. They are not divided evenly but at
/// random, by up to half of an even share up or down, so that copies do not have equal gradients
/// and stay equal for ever. A function of the seed and the tensors' names.
Widened widen_params(const Graph& graph, const Params& params, const Rewrite& wide, uint64_t seed);

}  // namespace morph
