#pragma once

#include <memory>
#include <vector>

#include "morph/regularize/gates.h"

namespace morph {

/// The BN scales γ of a network: |γ_i| says how much of channel i gets through (MorphNet,
/// Sec. 3.3). Sites whose channels are all pinned are left out; a shared tensor is listed once.
std::vector<GateSite> find_gamma_gates(const Graph& graph, const ChannelGroups& groups);

/// r = |γ|, alive above the threshold. The proximal step is soft-thresholding:
/// γ ← sign(γ) · max(|γ| − amount, 0).
std::unique_ptr<Gates> make_gamma_gates(const GateContext& context);

}  // namespace morph
