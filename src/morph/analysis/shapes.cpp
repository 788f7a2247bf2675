#include "morph/analysis/shapes.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/ops/op_def.h"

namespace morph {
namespace {

/// Keeps sums and products of sizes and attributes in 63 bits.
constexpr int64_t kLargestSize = std::numeric_limits<int32_t>::max();

const OpDef& definition(const Node& node) {
  try {
    return op_def(node.op);
  } catch (const Error& error) {
    throw Error(cat(node.label(), " ", error.what()));
  }
}

void check_sizes(const Node& node, const std::string& what, const Shape& shape) {
  for (const int64_t size : shape) {
    if (size < 1 || size > kLargestSize) {
      throw Error(cat(node.label(),
                      " ",
                      what,
                      " of shape ",
                      format_shape(shape),
                      ": every size must lie between 1 and ",
                      kLargestSize));
    }
  }
}

void check_input_count(const Node& node, const OpDef& def) {
  const size_t count = node.inputs.size();
  const bool too_few = count < def.min_inputs;
  if (!too_few && count <= def.max_inputs) return;
  const size_t bound = too_few ? def.min_inputs : def.max_inputs;
  const bool is_exact = def.min_inputs == def.max_inputs;
  throw Error(cat(node.label(),
                  is_exact  ? " expected "
                  : too_few ? " expected at least "
                            : " expected at most ",
                  bound,
                  bound == 1 ? " input" : " inputs",
                  ", got ",
                  count));
}

void check_slots(const Node& node, const OpDef& def) {
  std::vector<std::string> known;
  for (const Slot& slot : def.slots) {
    known.emplace_back(slot.name);
    if (slot.required && !node.has_param(known.back())) {
      throw Error(cat(node.label(), " needs the param '", slot.name, "'"));
    }
  }
  for (const auto& [slot, param] : node.params) {
    if (std::find(known.begin(), known.end(), slot) == known.end()) {
      throw Error(cat(node.label(), " takes no param '", slot, "'.", did_you_mean(slot, known)));
    }
    check_sizes(node, cat("param '", slot, "'"), param.shape);
  }
}

void check_attributes(const Node& node, const OpDef& def) {
  const std::vector<std::string> known(def.attributes.begin(), def.attributes.end());
  for (const auto& [key, value] : node.attrs) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw Error(cat(node.label(), " knows no attribute '", key, "'.", did_you_mean(key, known)));
    }
  }
}

}  // namespace

Shape infer_shape(const Node& node, const Graph& graph) {
  const OpDef& def = definition(node);
  check_input_count(node, def);
  check_slots(node, def);
  check_attributes(node, def);
  std::vector<Shape> inputs;
  for (const NodeId input : node.inputs) inputs.push_back(graph[input].shape);
  Shape shape = def.infer_shape(node, inputs);
  check_sizes(node, "would make a value", shape);
  return shape;
}

Graph infer_shapes(const Graph& graph) {
  Graph result(graph.name());
  for (const Node& old : graph.nodes()) {
    Node node = old;
    node.shape = infer_shape(node, result);
    result.add(std::move(node));
  }
  result.set_outputs({graph.outputs().begin(), graph.outputs().end()});
  return result;
}

}  // namespace morph
