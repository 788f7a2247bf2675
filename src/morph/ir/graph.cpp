#include "morph/ir/graph.h"

#include <utility>

#include "morph/base/error.h"

namespace morph {
namespace {

template <typename T>
const T& typed(const Node& node, const std::string& key, const Attr& attr, const char* type) {
  const T* value = std::get_if<T>(&attr);
  if (value == nullptr) {
    throw Error(cat(node.label(), " attribute '", key, "' must be ", type));
  }
  return *value;
}

template <typename T>
const T& single(const Node& node, const std::string& key, const std::vector<T>& values) {
  if (values.size() != 1) {
    throw Error(
        cat(node.label(), " attribute '", key, "' must be one number, got ", values.size()));
  }
  return values.front();
}

}  // namespace

std::vector<int64_t> Node::ints(const std::string& key,
                                const std::vector<int64_t>& fallback) const {
  const auto it = attrs.find(key);
  if (it == attrs.end()) return fallback;
  return typed<std::vector<int64_t>>(*this, key, it->second, "a list of integers");
}

int64_t Node::integer(const std::string& key, int64_t fallback) const {
  return single(*this, key, ints(key, {fallback}));
}

double Node::number(const std::string& key, double fallback) const {
  const auto it = attrs.find(key);
  if (it == attrs.end()) return fallback;
  if (const auto* whole = std::get_if<std::vector<int64_t>>(&it->second)) {
    return static_cast<double>(single(*this, key, *whole));
  }
  return single(*this, key, typed<std::vector<double>>(*this, key, it->second, "a number"));
}

std::string Node::text(const std::string& key, const std::string& fallback) const {
  const auto it = attrs.find(key);
  if (it == attrs.end()) return fallback;
  return typed<std::string>(*this, key, it->second, "a text");
}

std::string Node::label() const { return cat("[", name, ": ", op, "]"); }

NodeId Graph::add(Node node) {
  const auto id = static_cast<NodeId>(nodes_.size());
  for (const NodeId input : node.inputs) {
    if (index(input) >= nodes_.size()) {
      throw Error(cat(node.label(), " reads a node that does not come before it"));
    }
  }
  if (!ids_by_name_.emplace(node.name, id).second) {
    throw Error(cat(node.label(), " the name '", node.name, "' is used by two nodes"));
  }
  nodes_.push_back(std::move(node));
  return id;
}

void Graph::set_outputs(std::vector<NodeId> outputs) {
  for (const NodeId output : outputs) MORPH_CHECK(index(output) < nodes_.size());
  outputs_ = std::move(outputs);
}

const Node& Graph::node(NodeId id) const { return nodes_.at(index(id)); }

std::optional<NodeId> Graph::find(std::string_view name) const {
  const auto it = ids_by_name_.find(name);
  if (it == ids_by_name_.end()) return std::nullopt;
  return it->second;
}

std::vector<NodeId> Graph::ids() const {
  std::vector<NodeId> ids;
  ids.reserve(nodes_.size());
  for (size_t i = 0; i < nodes_.size(); ++i) ids.push_back(static_cast<NodeId>(i));
  return ids;
}

std::vector<NodeId> Graph::inputs() const {
  std::vector<NodeId> inputs;
  for (const NodeId id : ids()) {
    if (node(id).op == "Input") inputs.push_back(id);
  }
  return inputs;
}

std::vector<std::vector<NodeId>> consumers(const Graph& graph) {
  std::vector<std::vector<NodeId>> readers(graph.nodes().size());
  for (const NodeId id : graph.ids()) {
    for (const NodeId input : graph[id].inputs) readers[index(input)].push_back(id);
  }
  return readers;
}

int64_t element_count(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) {
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count)) {
      throw Error(cat("a tensor of shape ", format_shape(shape), " has no valid size"));
    }
  }
  return count;
}

std::string format_shape(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

}  // namespace morph
