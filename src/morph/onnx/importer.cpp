#include "morph/onnx/importer.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "morph/analysis/shapes.h"
#include "morph/base/error.h"
#include "morph/ir/verify.h"
#include "morph/ops/op_def.h"
#include "morph/ops/opaque.h"

namespace morph::onnx {
namespace {

constexpr int64_t kOldestOpset = 7;
constexpr int64_t kNewestOpset = 28;
constexpr int64_t kOldestIr = 3;
/// Functions that call functions …, and branches of If.
constexpr int kDeepest = 32;
/// Functions that call others twice, which call others twice …, are few bytes and many nodes.
constexpr int64_t kMostCalls = int64_t{1} << 17;
/// What exporters merge: initializers of at most so many elements.
constexpr int64_t kLargestMerged = 1024;

int64_t onnx_opset(const std::map<std::string, int64_t>& opsets) {
  const auto it = opsets.find("");
  return it == opsets.end() ? 0 : it->second;
}

void check_versions(const Model& model) {
  if (model.ir_version < kOldestIr || model.opsets.empty()) {
    throw Error(cat("the file is of ONNX IR version ",
                    model.ir_version,
                    "; versions before ",
                    kOldestIr,
                    " are not read, export it again with a newer exporter"));
  }
  const int64_t opset = onnx_opset(model.opsets);
  if (opset < kOldestOpset || opset > kNewestOpset) {
    throw Error(cat("the file is of opset ",
                    opset,
                    "; opsets ",
                    kOldestOpset,
                    " to ",
                    kNewestOpset,
                    " are read"));
  }
}

/// Calls `visit` with every name that a node reads, in its branches too.
void visit_reads(const NodeProto& node, const std::function<void(const std::string&)>& visit) {
  for (const std::string& input : node.inputs) visit(input);
  for (const AttributeProto& attribute : node.attributes) {
    for (const GraphProto& graph : attribute.graphs) {
      for (const NodeProto& inner : graph.nodes) visit_reads(inner, visit);
      for (const ValueInfoProto& output : graph.outputs) visit(output.name);
    }
  }
}

/// The names that the wanted values are computed from, and these themselves.
std::set<std::string> needed_names(std::span<const NodeProto> nodes, std::set<std::string> wanted) {
  for (size_t i = nodes.size(); i-- > 0;) {
    const bool is_needed = std::ranges::any_of(
        nodes[i].outputs, [&](const std::string& name) { return wanted.count(name) != 0; });
    if (is_needed) {
      visit_reads(nodes[i], [&](const std::string& name) { wanted.insert(name); });
    }
  }
  wanted.erase("");
  return wanted;
}

/// The input's shape for a batch of one.
Shape example_shape(const ValueInfoProto& input, const ImportOptions& options) {
  const Shape& given = options.input;
  if (!input.has_shape || input.shape.empty()) {
    throw Error(cat("input '", input.name, "' has no shape, or no axis for the batch"));
  }
  if (!is_floating(input.type) && options.unknown_ops == UnknownOps::kRefuse) {
    throw Error(cat("input '",
                    input.name,
                    "' is of ",
                    type_name(input.type),
                    "; networks that read floating-point numbers are supported, and with "
                    "--allow-opaque others where nothing has to be run"));
  }
  Shape shape = {1};
  for (size_t axis = 1; axis < input.shape.size(); ++axis) {
    const Dimension& dimension = input.shape[axis];
    const bool is_given = given.size() + 1 == input.shape.size();
    shape.push_back(dimension.value > 0 ? dimension.value : is_given ? given[axis - 1] : 0);
    if (shape.back() > 0) continue;
    throw Error(cat("input '",
                    input.name,
                    "' leaves its axis ",
                    axis,
                    dimension.name.empty() ? "" : cat(" ('", dimension.name, "')"),
                    " open; give its size: X.onnx?input=3x224x224"));
  }
  return shape;
}

/// The values, which have to be as many as are wanted.
std::vector<Value> with_outputs(const OpCall& call, std::vector<Value> values, size_t wanted) {
  if (wanted <= values.size()) return values;
  call.fail(
      cat("its output ", wanted, " ('", call.node().outputs[wanted - 1], "') is not supported"));
}

/// The message of a rule without what it says to those who did not ask to pass ops through.
std::string without_hint(std::string message) {
  if (message.ends_with(kPassThroughHint)) {
    message.resize(message.size() - kPassThroughHint.size());
  }
  return message;
}

}  // namespace

const Value* Scope::find(const std::string& name) const {
  const auto it = values_.find(name);
  if (it != values_.end()) return &it->second;
  return outer_ == nullptr ? nullptr : outer_->find(name);
}

void Scope::define(const std::string& name, Value value) {
  if (!values_.emplace(name, std::move(value)).second) {
    throw Error(cat("two nodes make the value '", name, "'"));
  }
}

Importer::Importer(Model model, const ImportOptions& options)
    : model_(std::move(model)),
      options_(options),
      storage_(std::move(model_.storage)),
      folder_(storage_, options.most_computed_bytes),
      graph_(model_.graph.name.empty() ? "network" : model_.graph.name) {}

Imported Importer::run() {
  check_versions(model_);
  const GraphProto& graph = model_.graph;
  for (const auto* values : {&graph.values, &graph.outputs}) {
    for (const ValueInfoProto& value : *values) declared_[value.name] = &value;
  }
  Scope scope(nullptr);
  add_initializers(graph, scope);
  add_inputs(scope);
  std::set<std::string> wanted;
  for (const ValueInfoProto& output : graph.outputs) {
    wanted.insert(output.name);
    taken_.insert(output.name);
  }
  import_nodes({.nodes = graph.nodes, .opsets = model_.opsets, .prefix = ""},
               needed_names(graph.nodes, wanted),
               scope);
  set_outputs(scope);
  if (!opaque_notes_.empty()) remove_unneeded();
  verify(graph_);
  Imported result{.graph = std::move(graph_), .weights = std::move(weights_)};
  if (untied_ > 0) {
    result.notes.push_back(
        cat(untied_, " uses of initializers that an exporter had merged were given their own"));
  }
  if (computed_ > 0) {
    result.notes.push_back(
        cat(computed_, " weights that the file computes from others are weights of their own"));
  }
  result.notes.insert(result.notes.end(), opaque_notes_.begin(), opaque_notes_.end());
  result.storage = std::move(storage_);
  return result;
}

void Importer::add_initializers(const GraphProto& graph, Scope& scope) {
  for (const TensorProto& tensor : graph.initializers) {
    if (!tensor.external.location.empty()) {
      throw Error(
          cat("tensor '", tensor.name, "' lies outside of the file; read it from its file"));
    }
    scope.define(tensor.name,
                 {.constant = tensor.array, .tensor = tensor.name, .type = tensor.array.type});
  }
}

void Importer::add_inputs(Scope& scope) {
  for (const ValueInfoProto& input : model_.graph.inputs) {
    if (scope.find(input.name) != nullptr) continue;  // An initializer, listed as before IR 4.
    const Shape shape = example_shape(input, options_);
    if (graph_.nodes().empty()) {
      batch_ = input.shape[0];
      traced_batch_ = std::max<int64_t>(batch_.value, 1);
    }
    Node node{.name = input.name, .op = "Input", .attrs = {{"shape", shape}}};
    const bool is_sealed = !is_floating(input.type);
    if (is_sealed) node.attrs["type"] = type_name(input.type);
    node.shape = infer_shape(node, graph_);
    taken_.insert(input.name);
    scope.define(input.name,
                 {.node = graph_.add(std::move(node)), .type = input.type, .is_sealed = is_sealed});
    places_.emplace_back();
    module_of_node_.push_back(static_cast<int>(modules_.size()));
    modules_.emplace(cat("input ", input.name), module_of_node_.back());
  }
}

void Importer::import_nodes(const Body& body, const std::set<std::string>& needed, Scope& scope) {
  for (const NodeProto& node : body.nodes) {
    size_t wanted = node.outputs.size();
    while (wanted > 0 && needed.count(node.outputs[wanted - 1]) == 0) --wanted;
    if (wanted == 0) continue;
    std::vector<Value> values = import_node(body, node, scope, wanted);
    for (size_t i = 0; i < wanted; ++i) {
      if (needed.count(node.outputs[i]) != 0) scope.define(node.outputs[i], std::move(values[i]));
    }
  }
}

std::vector<Value> Importer::import_node(const Body& body,
                                         const NodeProto& node,
                                         const Scope& scope,
                                         size_t wanted) {
  std::vector<const Value*> inputs;
  NodeProto renamed = node;
  if (!node.name.empty()) renamed.name = body.prefix + node.name;
  for (std::string& output : renamed.outputs) output = body.prefix + output;
  const OpCall bare(renamed, onnx_opset(body.opsets), {});
  if (++calls_ > kMostCalls) bare.fail(cat("is behind the first ", kMostCalls, " nodes"));
  for (const std::string& name : node.inputs) {
    inputs.push_back(name.empty() ? nullptr : scope.find(name));
    if (!name.empty() && inputs.back() == nullptr) {
      bare.fail(cat("reads '", name, "', which nothing before it makes"));
    }
  }
  while (!inputs.empty() && inputs.back() == nullptr) inputs.pop_back();
  const OpCall call(renamed, onnx_opset(body.opsets), std::move(inputs));
  const bool is_branch = node.op_type == "If" && node.domain.empty();
  if (is_branch && (options_.unknown_ops == UnknownOps::kRefuse || call.input(0).constant)) {
    return with_outputs(call, import_branch(body, call, scope), wanted);
  }
  for (const FunctionProto& function : model_.functions) {
    if (function.name == node.op_type && function.domain == node.domain &&
        function.overload == node.overload) {
      const std::string prefix = cat(node_name(call, ""), "/");
      return with_outputs(call, inline_function(function, call, prefix), wanted);
    }
  }
  return import_call(body, call, wanted);
}

std::vector<Value> Importer::import_call(const Body& body, const OpCall& call, size_t wanted) {
  if (options_.unknown_ops == UnknownOps::kRefuse) {
    return with_outputs(call, import_known(call), wanted);
  }
  for (size_t i = 0; i < call.input_count(); ++i) {
    if (call.has_input(i) && call.input(i).is_sealed) {
      return import_opaque(body, call, cat(call.label(), " reads what cannot be followed"));
    }
  }
  try {
    return with_outputs(call, import_known(call), wanted);
  } catch (const Error& error) {
    return import_opaque(body, call, without_hint(error.what()));
  }
}

std::vector<Value> Importer::import_known(const OpCall& call) {
  const std::string& op = call.op();
  if (!call.node().domain.empty()) {
    call.fail(
        cat("is of a domain that is not known, '", call.node().domain, "'", kPassThroughHint));
  }
  if (op == "Constant") {
    const Array value = constant_value(call, storage_);
    return {{.constant = value, .tensor = call.node().outputs.at(0), .type = value.type}};
  }
  bool is_constant = true;
  for (size_t i = 0; i < call.input_count(); ++i) {
    is_constant = is_constant && (!call.has_input(i) || call.input(i).constant);
  }
  const auto folded_ops = Folder::ops();
  if (is_constant && std::ranges::binary_search(folded_ops, op)) return fold(call);
  for (const auto rules :
       {layer_rules(), movement_rules(), elementwise_rules(), recurrent_rules()}) {
    const auto row = std::ranges::find(rules, op, &ImportRow::op);
    if (row != rules.end()) return row->rule(*this, call);
  }
  return import_same_op(*this, call);
}

std::vector<Value> Importer::inline_function(const FunctionProto& function,
                                             const OpCall& call,
                                             const std::string& prefix) {
  if (++depth_ > kDeepest) call.fail("calls functions nested too deep, or in a circle");
  Scope scope(nullptr);
  for (size_t i = 0; i < function.inputs.size(); ++i) {
    if (call.has_input(i)) scope.define(function.inputs[i], call.input(i));
  }
  // Where the body refers to an attribute of the function, that of the call or its default stands.
  std::vector<NodeProto> nodes = function.nodes;
  for (NodeProto& node : nodes) {
    for (AttributeProto& attribute : node.attributes) {
      if (attribute.reference.empty()) continue;
      const AttributeProto* given = call.node().find(attribute.reference);
      const auto fallback =
          std::ranges::find(function.defaults, attribute.reference, &AttributeProto::name);
      if (given == nullptr && fallback != function.defaults.end()) given = &*fallback;
      const std::string name = attribute.name;
      attribute = given == nullptr ? AttributeProto{} : *given;
      attribute.name = given == nullptr ? "" : name;
    }
    std::erase_if(node.attributes, [](const AttributeProto& a) { return a.name.empty(); });
    for (std::string& input : node.inputs) {
      // An optional input of the function that the call leaves out.
      const auto place = std::ranges::find(function.inputs, input);
      if (place != function.inputs.end() &&
          !call.has_input(static_cast<size_t>(place - function.inputs.begin()))) {
        input.clear();
      }
    }
  }
  import_nodes({.nodes = nodes, .opsets = function.opsets, .prefix = prefix},
               needed_names(nodes, {function.outputs.begin(), function.outputs.end()}),
               scope);
  --depth_;
  std::vector<Value> values;
  for (const std::string& output : function.outputs) {
    const Value* value = scope.find(output);
    if (value == nullptr) call.fail(cat("its function does not make '", output, "'"));
    values.push_back(*value);
  }
  return values;
}

std::vector<Value> Importer::import_branch(const Body& body,
                                           const OpCall& call,
                                           const Scope& scope) {
  const bool is_true =
      std::ranges::any_of(to_ints(call.constant(0)), [](auto x) { return x != 0; });
  const AttributeProto* branch = call.node().find(is_true ? "then_branch" : "else_branch");
  if (branch == nullptr || branch->graphs.size() != 1) call.fail("lacks a branch");
  if (++depth_ > kDeepest) call.fail("is nested too deep");
  const GraphProto& graph = branch->graphs[0];
  Scope inner(&scope);
  add_initializers(graph, inner);
  std::set<std::string> wanted;
  for (const ValueInfoProto& output : graph.outputs) wanted.insert(output.name);
  import_nodes({.nodes = graph.nodes, .opsets = body.opsets, .prefix = body.prefix},
               needed_names(graph.nodes, wanted),
               inner);
  --depth_;
  std::vector<Value> values;
  for (const ValueInfoProto& output : graph.outputs) {
    const Value* value = inner.find(output.name);
    if (value == nullptr) call.fail(cat("its branch does not make '", output.name, "'"));
    values.push_back(*value);
  }
  return values;
}

void Importer::set_outputs(const Scope& scope) {
  std::vector<NodeId> outputs;
  for (const ValueInfoProto& output : model_.graph.outputs) {
    const Value* value = scope.find(output.name);
    if (value == nullptr) throw Error(cat("nothing makes the output '", output.name, "'"));
    if (!value->is_live()) {
      throw Error(cat("the output '", output.name, "' does not depend on the network's input"));
    }
    NodeId id = value->node;
    if (!places_[index(id)].is_first()) {
      throw Error(cat("the output '", output.name, "' does not have the batch as its first axis"));
    }
    if (graph_[id].name != output.name) {
      // Keeps the value's name beside the node's; export makes one of the two again.
      Node node{.name = output.name, .op = "Identity", .inputs = {id}, .shape = graph_[id].shape};
      id = graph_.add(std::move(node));
    }
    outputs.push_back(id);
  }
  graph_.set_outputs(std::move(outputs));
}

Shape Importer::shape(const Value& value, int64_t batch) const {
  if (value.constant) return value.constant->shape;
  return file_shape(graph_[value.node].shape, places_.at(index(value.node)), batch);
}

BatchPlace Importer::place(const OpCall& call) const {
  for (size_t i = 0; i < call.input_count(); ++i) {
    if (call.has_input(i) && call.input(i).is_live()) {
      return places_.at(index(call.input(i).node));
    }
  }
  return {};
}

std::string Importer::free_name(const std::string& wish) const {
  std::string name = wish;
  for (int64_t i = 1; graph_.find(name) || taken_.count(name) != 0; ++i) name = cat(wish, "_", i);
  return name;
}

std::string Importer::node_name(const OpCall& call, const std::string& suffix) {
  const NodeProto& node = call.node();
  const std::string& output = node.outputs.at(0);
  std::string name = node.name.empty() ? output : node.name;
  if (!suffix.empty()) return free_name(cat(name, ".", suffix));
  if (graph_.find(name) || taken_.count(name) != 0) name = output;
  // A node may have the name of the output that it makes, and only it.
  if (taken_.count(name) != 0 && name == output && !graph_.find(name)) return name;
  return free_name(name);
}

int Importer::module_of(const Node& node, std::span<const Weight> weights) {
  std::string key = node.op;
  for (const Weight& weight : weights) {
    const bool identifies =
        !weight.tensor.empty() &&
        (!is_uniform(weight.array) || count_elements(weight.array.shape) > kLargestMerged);
    if (identifies) {
      key += cat(" @ ", weight.tensor);
      return modules_.emplace(key, static_cast<int>(modules_.size())).first->second;
    }
  }
  for (const NodeId input : node.inputs) key += cat(" ", module_of_node_.at(index(input)));
  return modules_.emplace(key, static_cast<int>(modules_.size())).first->second;
}

bool Importer::may_be_merged(const Weight& weight) const {
  return options_.ties == Ties::kUntieInitial && is_uniform(weight.array) &&
         count_elements(weight.array.shape) <= kLargestMerged;
}

std::string Importer::tensor_name(const Weight& weight, const Node& node, int module) {
  const std::string own = cat(node.name, ".", weight.slot);
  const auto fits = [&](const std::string& name) {
    const auto it = weights_.find(name);
    return it == weights_.end() || it->second == weight.array;
  };
  const auto unused = [&](const std::string& wish) {
    std::string name = wish;
    for (int64_t i = 1; weights_.count(name) != 0; ++i) name = cat(wish, "_", i);
    return name;
  };
  if (weight.tensor.empty()) return unused(own);
  if (!may_be_merged(weight)) return fits(weight.tensor) ? weight.tensor : unused(own);
  const NodeId reads = node.inputs.empty() ? NodeId{-1} : node.inputs[0];
  const auto key = std::tuple(weight.tensor, module, weight.slot);
  const auto copy = copies_.find(key);
  // One module on different values; on the same value it would compute the same thing twice.
  if (copy != copies_.end() && copy->second.second != reads && fits(copy->second.first)) {
    return copy->second.first;
  }
  const bool is_first = weights_.count(weight.tensor) == 0;
  const std::string name = is_first ? weight.tensor : unused(own);
  if (!is_first) ++untied_;
  copies_.insert_or_assign(key, std::pair(name, reads));
  return name;
}

Value Importer::add(const OpCall& call, NewNode wanted, std::vector<Weight> weights) {
  BatchPlace made;
  if (wanted.place) {
    made = *wanted.place;
  } else if (!wanted.inputs.empty()) {
    const size_t rank = graph_[wanted.inputs[0]].shape.size();
    const BatchPlace read = place(call);
    made = store_axes(call, wanted, read, rank - read.extra_axes());
  }
  Node node{.name = wanted.name.empty() ? node_name(call, wanted.suffix) : free_name(wanted.name),
            .op = std::move(wanted.op),
            .inputs = std::move(wanted.inputs),
            .attrs = std::move(wanted.attrs)};
  for (Weight& weight : weights) {
    if (!is_floating(weight.array.type)) {
      call.fail(cat("its ", weight.slot, " is of ", type_name(weight.array.type)));
    }
    weight.array = folder_.cast(call, weight.array, DataType::kFloat);
  }
  const int module = module_of(node, weights);
  for (const Weight& weight : weights) {
    const std::string tensor = tensor_name(weight, node, module);
    if (weight.tensor.empty() && node.op != "Constant" && !is_opaque(node)) ++computed_;
    weights_.emplace(tensor, weight.array);
    node.params[weight.slot] = {.tensor = tensor, .shape = weight.array.shape};
  }
  node.shape = infer_shape(node, graph_);
  const DataType type = call.has_input(0) ? call.input(0).type : DataType::kFloat;
  module_of_node_.push_back(module);
  places_.push_back(made);
  return {.node = graph_.add(std::move(node)), .type = type};
}

}  // namespace morph::onnx
