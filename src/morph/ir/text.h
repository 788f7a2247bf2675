#pragma once

#include <string>
#include <string_view>

#include "morph/ir/graph.h"

namespace morph {

/// The text form of a graph; the grammar is in docs/ir.md. parse_graph(print_graph(g)) == g.
std::string print_graph(const Graph& graph);

/// Reads the text form. Throws Error with line and column of the first fault, what was expected
/// there and what was found. Checks syntax and names only; infer_shapes() checks the rest.
Graph parse_graph(std::string_view text);

/// Graphviz source: one box a node with its op, name and output shape.
std::string print_dot(const Graph& graph);

}  // namespace morph
