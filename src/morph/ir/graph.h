#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace morph {

/// Sizes of one tensor, outermost first: [N, C, H, W], [N, features], … Shapes are those of one
/// example: N = 1. Running a network with another batch size changes nothing in its structure.
using Shape = std::vector<int64_t>;

/// One attribute of a node, named and typed as in ONNX ("strides": ints, "epsilon": floats). A
/// single int or float is a list of one.
using Attr = std::variant<std::vector<int64_t>, std::vector<double>, std::string>;

/// Index of a node in its Graph, in topological order: a node's inputs all have smaller ids.
enum class NodeId : int32_t {};

/// The id as an index into anything that is kept by node.
constexpr size_t index(NodeId id) { return static_cast<size_t>(id); }

/// A tensor that a node reads beside its inputs: a weight, a bias, a running mean. Two nodes that
/// name the same tensor share it.
struct Param {
  std::string tensor = {};  ///< Key of the value among the network's weights: "conv1.weight".
  Shape shape = {};

  bool operator==(const Param&) const = default;
};

/// One operator applied to the outputs of earlier nodes. Every node has exactly one output, so a
/// node's id and name are also those of the value it makes.
struct Node {
  std::string name = {};  ///< Unique in the graph; survives every transform.
  std::string op = {};    ///< ONNX op_type, e.g. "Conv"; a key of op_def().
  std::vector<NodeId> inputs = {};
  std::map<std::string, Attr> attrs = {};    ///< Only those that differ from ONNX's default.
  std::map<std::string, Param> params = {};  ///< By slot: {"weight": [O, I, kH, kW], "bias": [O]}.
  Shape shape = {};                          ///< Of the output; empty until infer_shapes().

  /// The attribute `key`, or `fallback` (ONNX's default) where the node does not state it. Throws
  /// Error if it is stated with another type.
  std::vector<int64_t> ints(const std::string& key, const std::vector<int64_t>& fallback) const;
  int64_t integer(const std::string& key, int64_t fallback) const;
  double number(const std::string& key, double fallback) const;
  std::string text(const std::string& key, const std::string& fallback) const;

  bool has_param(const std::string& slot) const { return params.count(slot) != 0; }

  /// "[conv1: Conv]", for messages.
  std::string label() const;

  bool operator==(const Node&) const = default;
};

/// The structure of a network, without its weights. A plain value: copying it copies the network,
/// and transforms build new ones.
class Graph {
 public:
  explicit Graph(std::string name = "network") : name_(std::move(name)) {}

  /// Appends a node. Throws Error if its name is taken or an input is not in the graph yet.
  NodeId add(Node node);

  /// Names the values the network returns, in order.
  void set_outputs(std::vector<NodeId> outputs);

  const Node& node(NodeId id) const;
  const Node& operator[](NodeId id) const { return node(id); }
  std::span<const Node> nodes() const { return nodes_; }
  std::span<const NodeId> outputs() const { return outputs_; }
  const std::string& name() const { return name_; }

  /// The id of the node called `name`, or nothing.
  std::optional<NodeId> find(std::string_view name) const;

  /// The ids of all nodes in topological order: for (NodeId id : graph.ids()).
  std::vector<NodeId> ids() const;

  /// The ids of the nodes with op "Input", in order.
  std::vector<NodeId> inputs() const;

  bool operator==(const Graph& other) const {
    return name_ == other.name_ && nodes_ == other.nodes_ && outputs_ == other.outputs_;
  }

 private:
  std::string name_;
  std::vector<Node> nodes_;
  std::vector<NodeId> outputs_;
  std::map<std::string, NodeId, std::less<>> ids_by_name_;
};

/// For each node, the nodes that read its value, in order, once per reading.
std::vector<std::vector<NodeId>> consumers(const Graph& graph);

/// The number of elements of a tensor of this shape; throws Error if it does not fit in 63 bits.
int64_t element_count(const Shape& shape);

/// "[1, 16, 32, 32]".
std::string format_shape(const Shape& shape);

}  // namespace morph
