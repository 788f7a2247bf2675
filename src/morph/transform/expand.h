#pragma once

#include <cstdint>

#include "morph/cost/cost_model.h"
#include "morph/ir/graph.h"
#include "morph/transform/rewrite.h"

namespace morph {

/// How widths are rounded.
struct ExpandOptions {
  int64_t round_to = 1;  ///< Widths become multiples of this where the group is at least as wide.
};

/// The graph with every prunable width multiplied by `multiplier` and rounded to the nearest
/// integer, once per group of tied channels; a width stays at least 1, pinned channels stay as they
/// are. Works for multipliers below 1 too: the uniform width multiplier that MorphNet is compared
/// with. Shapes are inferred again.
Graph scale_widths(const Graph& graph, double multiplier, const ExpandOptions& options = {});

/// What expand() found.
struct Expansion {
  Graph graph = Graph();
  SlicePlan plan = {};  ///< Whose weights each tensor begins with, if it is to inherit any.
  double multiplier = 1;
  double cost = 0;  ///< Of the graph, in the unit of the cost model.
};

/// The network with the largest width multiplier whose cost, counted on the rounded integer widths,
/// is at most `budget` (step 3 of the paper's Algorithm 1). Found by bisection: the cost does not
/// fall as the multiplier grows. Throws Error naming the smallest reachable cost if even widths of
/// 1 cost more, and Error if no width is free to change.
Expansion expand(const Graph& graph,
                 const CostModel& cost,
                 double budget,
                 const ExpandOptions& options = {});

}  // namespace morph
