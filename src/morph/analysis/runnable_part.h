#pragma once

#include "morph/ir/graph.h"

namespace morph {

/// The network with an Input in place of each Opaque node, of its shape: all of it that can be run,
/// with the same ids. What the unknown op makes of what it reads is not told by it.
Graph runnable_part(const Graph& graph);

/// The values that Opaque nodes read, one after the other, as often as they do.
std::vector<NodeId> read_by_opaque(const Graph& graph);

}  // namespace morph
