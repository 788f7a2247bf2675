#pragma once

#include <string>
#include <vector>

#include "morph/analysis/channel_groups.h"
#include "morph/ir/graph.h"

namespace morph {

/// One tensor of gates: position i decides about channel set `sets[i]`.
struct GateSite {
  NodeId node = {};
  std::string tensor = {};
  std::vector<ChannelId> sets = {};
};

/// The BN scales γ of a network: |γ_i| says how much of channel i gets through (MorphNet,
/// Sec. 3.3). Sites whose channels are all pinned are left out; a shared tensor is listed once.
std::vector<GateSite> find_gamma_gates(const Graph& graph, const ChannelGroups& groups);

}  // namespace morph
