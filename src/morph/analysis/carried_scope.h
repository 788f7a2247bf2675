#pragma once

#include "morph/analysis/channel_scope.h"
#include "morph/ir/graph.h"

namespace morph {

/// The scope that means for `rest`, which was made of `seed` by removing or widening channels, what
/// `scope` means for the seed: limits are shares of the seed's widths, what lay outside the
/// boundary still does, and patterns for layers that are gone are dropped.
ChannelScope carried_scope(const ChannelScope& scope, const Graph& seed, const Graph& rest);

}  // namespace morph
