#pragma once

#include <vector>

#include "morph/analysis/channel_groups.h"
#include "morph/ir/graph.h"
#include "morph/nn/params.h"

namespace morph {

/// By channel set, how much of it gets through: the largest |γ| of the BN scales on it or, where
/// none is, the largest Euclidean norm of the filters that make it. 0 for sets without either.
std::vector<double> channel_strengths(const Graph& graph,
                                      const ChannelGroups& groups,
                                      const Params& params);

}  // namespace morph
