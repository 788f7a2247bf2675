#pragma once

#include <string>
#include <string_view>

#include "morph/analysis/shapes.h"
#include "morph/ir/text.h"

namespace morph {

/// The graph of nodes written in the text form, with inferred shapes; `body` begins after the head.
inline Graph graph_of(std::string_view body) {
  return infer_shapes(parse_graph("morph 1\nnetwork test\n" + std::string(body)));
}

}  // namespace morph
