#include <algorithm>
#include <set>
#include <utility>

#include "morph/base/error.h"
#include "morph/onnx/importer.h"
#include "morph/onnx/opaque_proto.h"
#include "morph/ops/opaque.h"

namespace morph::onnx {
namespace {

/// Adds what the graph reads from outside of it.
void add_outer_reads(const GraphProto& graph, std::set<std::string> known, std::string& outer) {
  for (const TensorProto& tensor : graph.initializers) known.insert(tensor.name);
  for (const ValueInfoProto& input : graph.inputs) known.insert(input.name);
  for (const NodeProto& node : graph.nodes) {
    for (const std::string& input : node.inputs) {
      if (!input.empty() && known.count(input) == 0 && outer.empty()) outer = input;
    }
    for (const AttributeProto& attribute : node.attributes) {
      for (const GraphProto& inner : attribute.graphs) add_outer_reads(inner, known, outer);
    }
    known.insert(node.outputs.begin(), node.outputs.end());
  }
  for (const ValueInfoProto& output : graph.outputs) {
    if (known.count(output.name) == 0 && outer.empty()) outer = output.name;
  }
}

/// Throws Error with why the op is not known, and why it cannot be passed through.
[[noreturn]] void refuse(const std::string& reason, const std::string& obstacle) {
  throw Error(cat(reason, "; nor can it be passed through: ", obstacle));
}

/// Names of values outside of a branch are not those that they get when they are written.
void check_bodies(const OpCall& call, const std::string& reason) {
  std::string outer;
  for (const AttributeProto& attribute : call.node().attributes) {
    for (const GraphProto& graph : attribute.graphs) add_outer_reads(graph, {}, outer);
  }
  if (outer.empty()) return;
  refuse(reason, cat("its body reads '", outer, "' from outside of it"));
}

/// The declared sizes, -1 where open, 1 for the batch: the first axis, if it is as the input's. Of
/// several axes as long as a traced batch any might be it, so that the first counts as open.
Shape declared_sizes(const ValueInfoProto& value, const Dimension& batch) {
  Shape shape;
  for (const Dimension& dimension : value.shape) {
    shape.push_back(dimension.value > 0 ? dimension.value : -1);
  }
  if (shape.empty()) return shape;
  const Dimension& first = value.shape[0];
  const bool is_batch = batch.value > 0
                            ? first.value == batch.value
                            : first.value == 1 || (!first.name.empty() && first.name == batch.name);
  const bool is_one_of_several = batch.value > 1 && std::ranges::count(shape, batch.value) > 1;
  if (is_batch) shape[0] = is_one_of_several ? -1 : 1;
  return shape;
}

/// Whether input i of an unknown op lies with the weights.
bool is_param(const Array& array, size_t i) {
  return array.type == DataType::kFloat && i < kOpaqueSlots.size() &&
         count_elements(array.shape) > 0;
}

/// An op that is written as it was has to read what it read: no value whose batch is first in ours
/// alone, and no constant that holds for one size of the batch, which is open in what is written.
void check_read(const Value& value, const std::string& name, const std::string& reason) {
  if (value.is_sequence) {
    refuse(reason, cat("it reads '", name, "', which is a sequence, where a tensor is expected"));
  }
  if (value.at_other_batch) {
    refuse(reason,
           cat("it reads '",
               name,
               "', which is computed from the size of the batch, where what holds for any batch is "
               "expected; export the network with a fixed batch and its constants folded"));
  }
}

void check_place(const BatchPlace& place, const std::string& name, const std::string& reason) {
  if (place.is_first()) return;
  refuse(reason,
         cat("it reads '",
             name,
             "', which has the batch along axis ",
             place.axis,
             place.before * place.after > 1 ? ", together with another" : "",
             ", where the batch is expected as the first axis, and alone; let the op read the "
             "value before it is moved, or after it is moved back"));
}

}  // namespace

/// Named after the operator's node, or after the value where the file gives that to a user.
Value Importer::opaque_output(const OpCall& call,
                              NewNode node,
                              std::vector<Weight> weights,
                              size_t output) {
  const std::string& value = call.node().outputs[output];
  NodeProto proto = call.node();
  proto.outputs = {value};
  if (output > 0 || taken_.count(value) != 0) proto.name.clear();
  const OpCall single(proto, call.opset(), {});
  if (node.attrs.count("call") == 0) node.attrs["call"] = node_name(single, "");
  if (output > 0) node.attrs["output"] = std::vector<int64_t>{static_cast<int64_t>(output)};
  DataType type = DataType::kUndefined;
  bool is_sealed = true;
  if (const auto it = declared_.find(value); it != declared_.end()) {
    type = it->second->type;
    if (it->second->has_shape) {
      const Shape shape = declared_sizes(*it->second, batch_);
      const bool is_known = !shape.empty() && shape[0] == 1 && std::ranges::count(shape, -1) == 0;
      is_sealed = !is_known || type != DataType::kFloat;
      node.attrs["shape"] = shape;
    }
  }
  if (type != DataType::kFloat) node.attrs["type"] = type_name(type);
  Value result = add(single, std::move(node), std::move(weights));
  result.type = type;
  result.is_sealed = is_sealed;
  return result;
}

std::vector<Value> Importer::import_opaque(const Body& body,
                                           const OpCall& call,
                                           const std::string& reason) {
  check_bodies(call, reason);
  NewNode node{.op = std::string(kOpaqueOp)};
  std::vector<Weight> weights;
  OpaqueProto proto{.node = call.node()};
  proto.node.inputs.clear();
  for (std::string& output : proto.node.outputs) output = output.empty() ? "" : "made";
  for (size_t i = 0; i < call.input_count(); ++i) {
    std::string& place = proto.node.inputs.emplace_back();
    if (!call.has_input(i)) continue;
    const Value& value = call.input(i);
    check_read(value, call.node().inputs[i], reason);
    if (value.is_live()) {
      check_place(places_.at(index(value.node)), call.node().inputs[i], reason);
      place = cat("live:", node.inputs.size());
      node.inputs.push_back(value.node);
      continue;
    }
    const std::string name =
        value.tensor.empty() ? cat(call.node().outputs.at(0), ".input", i) : value.tensor;
    if (is_param(*value.constant, i)) {
      // A tensor of its own: the channels of a known op that shares it may be cut.
      weights.push_back({.slot = std::string(kOpaqueSlots[i]), .array = *value.constant});
      place = cat("param:", kOpaqueSlots[i], ":", name);
    } else {
      place = cat("constant:", name);
      proto.constants.push_back({.name = name, .array = *value.constant});
    }
  }
  const std::string& domain = call.node().domain;
  const auto version = body.opsets.find(domain);
  if (!domain.empty()) node.attrs["domain"] = domain;
  node.attrs["op_type"] = call.op();
  node.attrs["opset"] = std::vector<int64_t>{version == body.opsets.end() ? 1 : version->second};
  node.attrs["proto"] = to_attribute(proto);
  std::vector<Value> values(call.output_count());
  for (size_t output = 0; output < call.output_count(); ++output) {
    if (call.node().outputs[output].empty()) continue;
    values[output] = opaque_output(call, node, weights, output);
    node.attrs["call"] = graph_[values[output].node].attrs.at("call");
  }
  opaque_notes_.push_back(cat("passed through: ", reason));
  return values;
}

/// A rule that failed may leave operands behind, and an unknown op outputs that nothing reads.
void Importer::remove_unneeded() {
  std::vector<bool> needed(graph_.nodes().size(), false);
  for (const NodeId id : graph_.outputs()) needed[index(id)] = true;
  for (size_t i = needed.size(); i-- > 0;) {
    if (!needed[i]) continue;
    for (const NodeId input : graph_.nodes()[i].inputs) needed[index(input)] = true;
  }
  Graph kept(graph_.name());
  std::map<std::string, Array> weights;
  std::vector<NodeId> new_id(needed.size());
  for (const NodeId id : graph_.ids()) {
    Node node = graph_[id];
    if (!needed[index(id)] && node.op != "Input") continue;
    for (NodeId& input : node.inputs) input = new_id[index(input)];
    for (const auto& [slot, param] : node.params) {
      weights.emplace(param.tensor, weights_.at(param.tensor));
    }
    new_id[index(id)] = kept.add(std::move(node));
  }
  std::vector<NodeId> outputs;
  for (const NodeId id : graph_.outputs()) outputs.push_back(new_id[index(id)]);
  kept.set_outputs(std::move(outputs));
  graph_ = std::move(kept);
  weights_ = std::move(weights);
}

}  // namespace morph::onnx
