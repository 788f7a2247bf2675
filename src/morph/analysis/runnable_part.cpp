#include "morph/analysis/runnable_part.h"

#include "morph/ops/opaque.h"

namespace morph {

Graph runnable_part(const Graph& graph) {
  Graph result(graph.name());
  for (const Node& node : graph.nodes()) {
    if (is_opaque(node) || node.op == "Input") {
      result.add({.name = node.name,
                  .op = "Input",
                  .attrs = {{"shape", node.shape}},
                  .shape = node.shape});
    } else {
      result.add(node);
    }
  }
  result.set_outputs({graph.outputs().begin(), graph.outputs().end()});
  return result;
}

std::vector<NodeId> read_by_opaque(const Graph& graph) {
  std::vector<NodeId> read;
  for (const Node& node : graph.nodes()) {
    if (is_opaque(node)) read.insert(read.end(), node.inputs.begin(), node.inputs.end());
  }
  return read;
}

}  // namespace morph
