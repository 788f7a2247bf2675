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

/// Whether all elements are equal, as those of a tensor that was never trained.
bool is_uniform(const Array& array) {
  const size_t size = element_bytes(array.type);
  const std::string_view bytes = array.bytes;
  return bytes.size() <= size || bytes.substr(size) == bytes.substr(0, bytes.size() - size);
}

/// Whether two arrays are one, not only equal.
bool is_same(const Array& a, const Array& b) {
  return a.bytes.data() == b.bytes.data() && a.bytes.size() == b.bytes.size() && a.type == b.type &&
         a.shape == b.shape;
}

/// The number that all elements are, or 0.
double initial_value(const Array& array) {
  if (!is_uniform(array) || array.bytes.empty()) return 0;
  const Array first{.type = array.type, .bytes = array.bytes.substr(0, element_bytes(array.type))};
  return with_same_digits(static_cast<float>(to_doubles(first).at(0)));
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
      return import_opaque(body, call, "it reads what cannot be followed");
    }
  }
  try {
    return with_outputs(call, import_known(call), wanted);
  } catch (const Error& error) {
    return import_opaque(body, call, error.what());
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
  if (is_constant && std::ranges::binary_search(folded_ops, op)) {
    std::vector<Value> values;
    for (const Array& array : folder_.run(call)) {
      values.push_back({.constant = array, .type = array.type});
    }
    // An alias, also by an Expand or a Cast that changes nothing.
    if (call.has_input(0) && is_same(*values.at(0).constant, call.constant(0))) {
      values[0].tensor = call.input(0).tensor;
    }
    return values;
  }
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

Weight Importer::weight(const OpCall& call, size_t i, std::string slot) const {
  return {.slot = std::move(slot), .array = call.constant(i), .tensor = call.input(i).tensor};
}

/// The constant without what it repeats for each example of a batch; else as it is.
Array Importer::for_one_example(const OpCall& call, const Array& array, const BatchPlace& place) {
  const int64_t each = place.before * place.after;
  for (const int64_t batch : {kOpenBatch, traced_batch_}) {
    if (batch < 2 || array.shape[place.axis] != each * batch) continue;
    const auto at = array.shape.begin() + static_cast<int64_t>(place.axis);
    Shape parts(array.shape.begin(), at);
    parts.insert(parts.end(), {place.before, batch, place.after});
    parts.insert(parts.end(), at + 1, array.shape.end());
    const Array view = Folder::viewed(array, parts);
    Array one = folder_.sliced(call, view, {.axis = place.axis + 1, .count = 1});
    if (folder_.expanded(call, one, parts).bytes != array.bytes) continue;
    Shape shape = array.shape;
    shape[place.axis] = each;
    return Folder::viewed(one, shape);
  }
  return array;
}

/// A constant of the file's rank as one of our graph, beside a value that has the batch elsewhere.
Array Importer::as_operand(const OpCall& call, Array array, size_t rank) {
  const BatchPlace place = this->place(call);
  if (array.shape.size() == rank && place.axis < rank) array = for_one_example(call, array, place);
  while (array.shape.size() < rank) array.shape.insert(array.shape.begin(), 1);
  if (place.is_first() || place.axis >= rank) return array;
  const int64_t extent = array.shape[place.axis];
  if (extent != 1 && extent != place.before * place.after) {
    call.fail("reads a constant that differs between the examples of a batch");
  }
  Shape stored = stored_shape(array.shape, place);
  const auto parts = stored.begin() + 1 + static_cast<int64_t>(place.axis);
  if (extent == 1) std::fill_n(parts, place.extra_axes(), 1);
  return Folder::viewed(array, stored);
}

NodeId Importer::operand(const OpCall& call, size_t i, size_t rank) {
  const Value& value = call.input(i);
  if (value.is_sequence) call.fail("reads a sequence where one value is wanted");
  if (value.is_live()) {
    const BatchPlace& own = places_.at(index(value.node));
    const size_t own_rank = graph_[value.node].shape.size() - own.extra_axes();
    if (own_rank == rank && own == place(call)) return value.node;
    call.fail(cat("input '",
                  call.node().inputs[i],
                  "' has rank ",
                  own_rank,
                  " and meets one of rank ",
                  rank,
                  ": the batch would meet another axis"));
  }
  Weight weight = this->weight(call, i, "value");
  weight.array = as_operand(call, weight.array, rank);
  const Shape& shape = weight.array.shape;
  if (!is_floating(weight.array.type)) {
    weight.array = folder_.cast(call, weight.array, DataType::kFloat);
  }
  const bool is_trainable = !weight.tensor.empty() && count_elements(shape) > 1;
  const bool is_shared = !weight.tensor.empty() && !(is_trainable && may_be_merged(weight));
  const auto key = std::pair(weight.tensor, shape);
  if (const auto known = operands_.find(key); is_shared && known != operands_.end()) {
    return known->second;
  }
  NewNode node{.op = is_trainable ? "Parameter" : "Constant"};
  node.suffix = weight.tensor.empty() ? cat("operand", i) : "";
  node.name = weight.tensor;
  // Our tensors are called after their node and slot.
  if (node.name.ends_with(".value")) node.name.resize(node.name.size() - 6);
  const double initial = initial_value(weight.array);
  if (initial != 0) node.attrs["initial"] = std::vector<double>{initial};
  const NodeId id = add(call, std::move(node), {weight}).node;
  if (is_shared) operands_[key] = id;
  return id;
}

}  // namespace morph::onnx
