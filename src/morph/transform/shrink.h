#pragma once

#include <vector>

#include "morph/analysis/channel_groups.h"
#include "morph/analysis/structure.h"
#include "morph/transform/rewrite.h"

namespace morph {

/// Removes the channels that are not alive (by set of `groups`), and with them every node that has
/// none left: a value without channels reads as zero, so it leaves the Adds and Concats that read
/// it and takes everything else that reads it along; what no output needs any more goes too. A
/// residual block whose inner channels are dead becomes its skip, a dead tower leaves its Concat.
///
/// `graph` has inferred shapes, and so has the result. Node and tensor names stay. Throws Error,
/// naming the layers that died, if no path from an input to an output is left.
Rewrite shrink(const Graph& graph, const ChannelGroups& groups, const std::vector<bool>& alive);

/// The same by layer: see alive_sets() for what a structure may not say.
Rewrite shrink(const Graph& graph, const Structure& structure);

}  // namespace morph
