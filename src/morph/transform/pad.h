#pragma once

#include <cstdint>
#include <optional>

#include "morph/ir/graph.h"
#include "morph/transform/rewrite.h"

namespace morph {

/// A graph with channels added to it.
struct Padded {
  Graph graph = Graph();  ///< Nodes and tensors have the names they had.
  SlicePlan back = {};    ///< How the old tensors are cut out of the new ones.
};

/// Widens each width that may change to a multiple of `multiple`, at least 1. It is shrink()
/// backwards: removing what was added gives the graph. Nothing where no width needs it, where the
/// network would take more than twice the FLOPs, and where tied channels are so interleaved that
/// shrink() does not give the graph back.
std::optional<Padded> pad_channels(const Graph& graph, int64_t multiple);

}  // namespace morph
