#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "morph/analysis/alive_counts.h"
#include "morph/analysis/channel_groups.h"
#include "morph/analysis/structure.h"
#include "morph/ir/graph.h"

namespace morph {

/// How a structure file is read.
struct WidthOptions {
  MissingLayers missing = MissingLayers::kKeep;
  bool keep_first = false;  ///< Where a file of counts says 0 channels, one is left.
  /// By set, how much a channel is worth: of a layer that keeps some of its channels those stay
  /// that are worth most, and the first ones if there is no telling.
  std::function<std::vector<double>(const ChannelGroups&)> strengths = {};
};

/// What a structure file asks of a network.
struct PlannedWidths {
  ChannelGroups groups = {};
  std::vector<int64_t> copies = {};  ///< By set of `groups`: 0 removed, 1 kept, more widened.

  /// True if some layer gets more channels than it has.
  bool widens() const;

  /// By set: whether it is kept.
  std::vector<bool> alive() const;
};

/// How often each set is taken so that every layer has the number of channels that `counts` (by
/// layer) says; layers that are tied to a named one follow it. Throws Error where counts of tied
/// layers differ, naming both, and where a layer would lose channels that are pinned.
std::vector<int64_t> copies_for_counts(const Graph& graph,
                                       const ChannelGroups& groups,
                                       const AliveCounts& counts,
                                       const WidthOptions& options = {});

/// Reads a structure file of either kind, ours or alive counts. Ours may not change the network's
/// outputs; counts may, and may widen layers too.
PlannedWidths plan_widths(const Graph& graph,
                          const nlohmann::json& structure,
                          const WidthOptions& options = {});

}  // namespace morph
