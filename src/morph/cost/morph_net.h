#pragma once

#include <vector>

#include "morph/cost/node_work.h"

namespace morph {

/// What google-research/morph-net (commit d9286a1) charges nodes for that do `nodes`, by node
/// index:
///
/// - only what the network's outputs need, and of that its list of ops: convolutions and dense
///   layers; for memory also Add, Sum, Concat, BatchNormalization, Mul, Relu, Clip to [0, 6] and
///   ReduceSum, without any param;
/// - an op with several inputs pays for all of them by the channels of the first;
/// - a dense layer computes, reads and writes once, however many places its input has;
/// - depthwise weights are charged for every pair of channels in memory, and a depthwise
///   convolution's arithmetic and weights at both ends in the slope;
/// - the weights of a 3-d convolution are charged as another input;
/// - no biases; shared weights at each node that reads them;
/// - behind a Flatten or Reshape of more than one place, and on either side of a dense layer on
///   more than rows, channels are no longer followed: a reader pays for all of them.
std::vector<NodeWork> as_morph_net_charges(const Graph& graph,
                                           const ChannelBlocks& blocks,
                                           std::vector<NodeWork> nodes);

}  // namespace morph
