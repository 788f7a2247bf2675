#pragma once

#include "morph/ir/graph.h"

namespace morph {

/// The graph with the shape of every value filled in. Throws Error with a node's label where the
/// graph cannot be run: unknown op, missing param, rank or size that does not fit.
Graph infer_shapes(const Graph& graph);

/// The shape of the value that `node` would make if it were appended to `graph`, with the same
/// checks. The graph's own shapes are known.
Shape infer_shape(const Node& node, const Graph& graph);

}  // namespace morph
