#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "morph/onnx/batch_place.h"
#include "morph/onnx/fold.h"
#include "morph/onnx/import.h"
#include "morph/onnx/op_call.h"

namespace morph::onnx {

/// What a file's Shape says of the batch, whatever was traced: a prime number, so that what is
/// computed from it tells where the batch has gone.
inline constexpr int64_t kOpenBatch = 97;
/// Another size: a constant that is the same for both does not depend on the batch.
inline constexpr int64_t kOtherBatch = 101;

/// A constant that is computed from the size of the batch, for either of the two.
Value batch_constant(const Array& at_open, const Array& at_other);

/// The values that names stand for inside of a graph or function body.
class Scope {
 public:
  explicit Scope(const Scope* outer) : outer_(outer) {}

  /// Nothing if the name is not known here or further out.
  const Value* find(const std::string& name) const;
  /// Throws Error if the name is taken.
  void define(const std::string& name, Value value);

 private:
  const Scope* outer_;
  std::map<std::string, Value> values_;
};

/// What a rule asks for a new node of our graph.
struct NewNode {
  std::string op = {};
  std::vector<NodeId> inputs = {};
  std::map<std::string, Attr> attrs = {};
  std::string suffix = {};  ///< Of the name, for a node beside the one that has the ONNX node's.
  std::string name = {};    ///< The whole name, if it is another than the ONNX node's.
  /// Where the batch lies in the value, of a node whose attributes are those of our graph already.
  std::optional<BatchPlace> place = {};
};

/// Turns the axes that a node's attributes name, those of the file's values of this rank, into the
/// axes of our graph, and returns where the batch lies in what the node makes. Throws Error where
/// the op works along the batch.
BatchPlace store_axes(const OpCall& call, NewNode& node, const BatchPlace& place, size_t rank);

/// A weight for a slot of a new node.
struct Weight {
  std::string slot = {};
  Array array = {};
  std::string tensor = {};  ///< The initializer that it is; "" if it was computed.
};

/// Builds our graph while the nodes of a file are read; the rules for single ops work on it.
class Importer {
 public:
  Importer(Model model, const ImportOptions& options);

  Imported run();

  Folder& folder() { return folder_; }
  const Graph& graph() const { return graph_; }

  /// Adds a node named after the call's, with its weights, and infers its shape.
  Value add(const OpCall& call, NewNode node, std::vector<Weight> weights = {});

  /// The shape of a value in the file: of a live one, for a batch of this size.
  Shape shape(const Value& value, int64_t batch = 1) const;

  /// Where the batch lies in the first live value that a call reads.
  BatchPlace place(const OpCall& call) const;

  /// Whether an entry of a shape may stand for the batch: what a Shape gave, or what was traced.
  bool may_be_batch(int64_t size) const { return size == kOpenBatch || size == traced_batch_; }

  /// The constant input i of a call, as a weight for a slot.
  Weight weight(const OpCall& call, size_t i, std::string slot) const;

  /// The node that makes a value; a constant becomes a Constant or Parameter of this rank, its
  /// axes aligned to the last.
  NodeId operand(const OpCall& call, size_t i, size_t rank);

  /// The first axis of the traced inputs, 1 if open: constants of the file may hold it.
  int64_t traced_batch() const { return traced_batch_; }

 private:
  struct Body {
    std::span<const NodeProto> nodes;
    const std::map<std::string, int64_t>& opsets;
    const std::string& prefix;  ///< Of the names of nodes in an inlined function.
  };

  void add_inputs(Scope& scope);
  void add_initializers(const GraphProto& graph, Scope& scope);
  void import_nodes(const Body& body, const std::set<std::string>& needed, Scope& scope);
  std::vector<Value> import_node(const Body& body,
                                 const NodeProto& node,
                                 const Scope& scope,
                                 size_t wanted);
  std::vector<Value> import_call(const Body& body, const OpCall& call, size_t wanted);
  std::vector<Value> import_known(const OpCall& call);
  std::vector<Value> fold(const OpCall& call);
  std::vector<Value> import_opaque(const Body& body, const OpCall& call, const std::string& reason);
  Value opaque_output(const OpCall& call, NewNode node, std::vector<Weight> weights, size_t output);
  void remove_unneeded();
  Array as_operand(const OpCall& call, Array array, size_t rank);
  Array for_one_example(const OpCall& call, const Array& array, const BatchPlace& place);
  std::vector<Value> inline_function(const FunctionProto& function,
                                     const OpCall& call,
                                     const std::string& prefix);
  std::vector<Value> import_branch(const Body& body, const OpCall& call, const Scope& scope);
  void set_outputs(const Scope& scope);

  std::string node_name(const OpCall& call, const std::string& suffix);
  std::string free_name(const std::string& wish) const;
  std::string tensor_name(const Weight& weight, const Node& node, int module);
  bool may_be_merged(const Weight& weight) const;
  int module_of(const Node& node, std::span<const Weight> weights);

  Model model_;
  ImportOptions options_;
  Storage storage_;
  Folder folder_;
  Graph graph_;
  std::map<std::string, Array> weights_;
  std::map<std::string, int> modules_;  // Equal for nodes that do the same with shared weights.
  std::vector<int> module_of_node_;
  std::vector<BatchPlace> places_;  // By node.
  // By initializer, module and slot: the name of the copy, and the value that its node reads.
  std::map<std::tuple<std::string, int, std::string>, std::pair<std::string, NodeId>> copies_;
  std::map<std::pair<std::string, Shape>, NodeId> operands_;  // Constants by tensor and shape.
  std::set<std::string> taken_;  // Names that inputs and outputs of the file have.
  std::map<std::string, const ValueInfoProto*> declared_;  // What the file says of its values.
  std::vector<std::string> opaque_notes_;
  int64_t traced_batch_ = 1;
  Dimension batch_;  // As the first input declares it.
  int64_t untied_ = 0;
  int64_t computed_ = 0;
  int depth_ = 0;
  int64_t calls_ = 0;
};

/// Ends a message that an op is not known.
inline constexpr std::string_view kPassThroughHint =
    "; --allow-opaque passes it through where nothing has to be run";

/// Turns one ONNX node that reads at least one live value into nodes of our graph, and returns what
/// its outputs stand for.
using ImportRule = std::vector<Value> (*)(Importer& importer, const OpCall& call);

/// The rule of one op.
struct ImportRow {
  std::string_view op;
  ImportRule rule;
};

/// The rules for ops with weights, for recurrent ones, for ops that move elements about, and for
/// all others that are more than their attributes.
std::span<const ImportRow> layer_rules();
std::span<const ImportRow> recurrent_rules();
std::span<const ImportRow> movement_rules();
std::span<const ImportRow> elementwise_rules();

/// The rule for an op whose ONNX form is ours: live or constant inputs, attributes by name.
std::vector<Value> import_same_op(Importer& importer, const OpCall& call);

/// The call's attributes that our op of that name knows and that differ from ONNX's default. Throws
/// Error if it states others.
std::map<std::string, Attr> same_attributes(const OpCall& call, std::string_view op);

}  // namespace morph::onnx
