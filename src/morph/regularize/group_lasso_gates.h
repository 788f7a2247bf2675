#pragma once

#include <memory>
#include <vector>

#include "morph/regularize/gates.h"

namespace morph {

/// The weights of convolutions and dense layers, one gate for each output channel. Sites whose
/// channels are all pinned are left out; a shared tensor is listed once. Depthwise convolutions
/// make no channels of their own: what they read is gated where it is made.
std::vector<GateSite> find_group_lasso_gates(const Graph& graph, const ChannelGroups& groups);

/// The size of the weights w that feed output channel i, bias left out:
///
///   r = (1 − f) · √(mean w²) + f · mean |w|,     f = RegularizerOptions::l1_fraction
///
/// Means, so that a threshold does not depend on how many inputs there are. The sub-gradient of a
/// group that is all zero is 0. The proximal step with amount a on a group of n weights is that of
/// the sparse group lasso (Friedman et al. 2010): v = sign(w) · max(|w| − a·f/n, 0), then
/// w ← v · max(1 − a·(1 − f) / (n·√(mean v²)), 0). Throws Error if f is not in [0, 1].
std::unique_ptr<Gates> make_group_lasso_gates(const GateContext& context);

}  // namespace morph
