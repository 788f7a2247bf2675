#pragma once

#include "morph/ir/graph.h"

namespace morph {

/// Checks what holds for every graph whatever its ops: unique names, inputs that come before, at
/// least one Input and one output, params with positive sizes, one shape for each shared tensor.
/// Throws Error naming the node at fault.
void verify(const Graph& graph);

}  // namespace morph
