#pragma once

#include "morph/ir/graph.h"

namespace morph {

/// Checks what holds for every graph whatever its ops: names that are there and unique, inputs that
/// come before, at least one Input and one output, params and known values with positive sizes, one
/// shape for each shared tensor. Throws Error naming the node at fault.
void verify(const Graph& graph);

}  // namespace morph
