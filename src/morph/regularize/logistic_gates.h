#pragma once

#include <memory>
#include <vector>

#include "morph/regularize/gates.h"

namespace morph {

/// The LogisticGate nodes of a network (see insert_gates()). Sites whose channels are all pinned
/// are left out; a shared tensor is listed once.
std::vector<GateSite> find_logistic_gates(const Graph& graph, const ChannelGroups& groups);

/// r = the mask that the last training pass drew, with the slope of its soft form, or with
/// regularize_on_mask off p = σ(logit). While training a channel is alive where the mask (or, with
/// mask_as_alive off, p) is at or above the threshold. Which structure is chosen does not depend on
/// chance: alive is p ≥ threshold.
std::unique_ptr<Gates> make_logistic_gates(const GateContext& context);

}  // namespace morph
