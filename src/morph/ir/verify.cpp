#include "morph/ir/verify.h"

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "morph/base/error.h"

namespace morph {
namespace {

/// The first node that uses a tensor, and the shape that it gives it.
struct Use {
  const Node* node;
  const Shape* shape;
};

void check_sizes(const Node& node, std::string_view what, const Shape& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) {
    if (extent < 1) {
      throw Error(cat(node.label(),
                      " ",
                      what,
                      " has shape ",
                      format_shape(shape),
                      "; every size must be at least 1"));
    }
    if (__builtin_mul_overflow(count, extent, &count)) {
      throw Error(cat(
          node.label(), " ", what, " of shape ", format_shape(shape), " has too many elements"));
    }
  }
}

void check_names(const Node& node, std::set<std::string_view>& names) {
  if (node.name.empty()) throw Error(cat(node.label(), " a node must have a name"));
  if (node.op.empty()) throw Error(cat(node.label(), " a node must have an op"));
  if (!names.insert(node.name).second) {
    throw Error(cat(node.label(), " the name '", node.name, "' is used by two nodes"));
  }
}

void check_params(const Node& node, std::map<std::string_view, Use>& tensors) {
  for (const auto& [slot, param] : node.params) {
    if (param.tensor.empty()) throw Error(cat(node.label(), " param '", slot, "' names no tensor"));
    check_sizes(node, cat("param '", slot, "'"), param.shape);
    const Use& first = tensors.try_emplace(param.tensor, Use{&node, &param.shape}).first->second;
    if (*first.shape != param.shape) {
      throw Error(cat(node.label(),
                      " param '",
                      slot,
                      "' gives the tensor '",
                      param.tensor,
                      "' the shape ",
                      format_shape(param.shape),
                      ", but ",
                      first.node->label(),
                      " gives it ",
                      format_shape(*first.shape)));
    }
  }
}

}  // namespace

void verify(const Graph& graph) {
  std::set<std::string_view> names;
  std::map<std::string_view, Use> tensors;
  for (const NodeId id : graph.ids()) {
    const Node& node = graph[id];
    check_names(node, names);
    for (const NodeId input : node.inputs) {
      if (index(input) >= index(id)) {
        throw Error(cat(node.label(), " reads a node that does not come before it"));
      }
    }
    check_params(node, tensors);
    check_sizes(node, "its value", node.shape);
  }
  if (graph.inputs().empty()) throw Error(cat("network '", graph.name(), "' has no Input node"));
  if (graph.outputs().empty()) throw Error(cat("network '", graph.name(), "' returns nothing"));
}

}  // namespace morph
