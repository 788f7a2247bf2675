#include <protozero/pbf_writer.hpp>

#include "morph/base/error.h"
#include "morph/onnx/model.h"

namespace morph::onnx {
namespace {

using protozero::pbf_writer;

/// Protobuf's limit on a message.
constexpr size_t kLargestMessage = (size_t{1} << 31) - 1;

void write_entry(pbf_writer& parent,
                 uint32_t tag,
                 const std::string& key,
                 const std::string& value) {
  pbf_writer entry(parent, tag);
  entry.add_string(1, key);
  entry.add_string(2, value);
}

void write_tensor(pbf_writer& parent, uint32_t tag, const TensorProto& tensor) {
  pbf_writer message(parent, tag);
  const Array& array = tensor.array;
  message.add_packed_int64(1, array.shape.begin(), array.shape.end());
  message.add_int32(2, static_cast<int32_t>(array.type));
  message.add_string(8, tensor.name);
  if (tensor.external.location.empty()) {
    message.add_bytes(9, array.bytes.data(), array.bytes.size());
    return;
  }
  write_entry(message, 13, "location", tensor.external.location);
  write_entry(message, 13, "offset", std::to_string(tensor.external.offset));
  write_entry(message, 13, "length", std::to_string(tensor.external.length));
  message.add_enum(14, 1);
}

void write_graph(pbf_writer& parent, uint32_t tag, const GraphProto& graph);

void write_attribute(pbf_writer& parent, const AttributeProto& attribute) {
  using Type = AttributeProto::Type;
  pbf_writer message(parent, 5);
  message.add_string(1, attribute.name);
  const bool is_single = attribute.type == Type::kFloat || attribute.type == Type::kInt ||
                         attribute.type == Type::kString;
  if (attribute.type == Type::kFloat) message.add_float(2, attribute.floats.at(0));
  if (attribute.type == Type::kInt) message.add_int64(3, attribute.ints.at(0));
  if (attribute.type == Type::kString) message.add_bytes(4, attribute.strings.at(0));
  if (!is_single) {
    for (const TensorProto& tensor : attribute.tensors) {
      write_tensor(message, attribute.type == Type::kTensor ? 5 : 10, tensor);
    }
    for (const GraphProto& graph : attribute.graphs) {
      write_graph(message, attribute.type == Type::kGraph ? 6 : 11, graph);
    }
    // Unpacked, as ONNX's schema is of protobuf 2.
    for (const float value : attribute.floats) message.add_float(7, value);
    for (const int64_t value : attribute.ints) message.add_int64(8, value);
    for (const std::string& value : attribute.strings) message.add_bytes(9, value);
  }
  message.add_enum(20, static_cast<int32_t>(attribute.type));
}

void write_node(pbf_writer& parent, uint32_t tag, const NodeProto& node) {
  pbf_writer message(parent, tag);
  for (const std::string& input : node.inputs) message.add_string(1, input);
  for (const std::string& output : node.outputs) message.add_string(2, output);
  message.add_string(3, node.name);
  message.add_string(4, node.op_type);
  for (const AttributeProto& attribute : node.attributes) write_attribute(message, attribute);
  if (!node.domain.empty()) message.add_string(7, node.domain);
}

void write_value(pbf_writer& parent, uint32_t tag, const ValueInfoProto& value) {
  pbf_writer message(parent, tag);
  message.add_string(1, value.name);
  pbf_writer type(message, 2);
  pbf_writer tensor(type, 1);
  tensor.add_int32(1, static_cast<int32_t>(value.type));
  if (!value.has_shape) return;
  pbf_writer shape(tensor, 2);
  for (const Dimension& dimension : value.shape) {
    if (dimension.value < 0 && dimension.name.empty()) {
      shape.add_message(1, std::string());
      continue;
    }
    pbf_writer part(shape, 1);
    if (dimension.value >= 0) part.add_int64(1, dimension.value);
    if (dimension.value < 0) part.add_string(2, dimension.name);
  }
}

void write_graph(pbf_writer& parent, uint32_t tag, const GraphProto& graph) {
  pbf_writer message(parent, tag);
  for (const NodeProto& node : graph.nodes) write_node(message, 1, node);
  message.add_string(2, graph.name);
  for (const TensorProto& tensor : graph.initializers) write_tensor(message, 5, tensor);
  for (const ValueInfoProto& value : graph.inputs) write_value(message, 11, value);
  for (const ValueInfoProto& value : graph.outputs) write_value(message, 12, value);
  for (const ValueInfoProto& value : graph.values) write_value(message, 13, value);
}

size_t inside_bytes(const GraphProto& graph) {
  size_t total = 0;
  for (const TensorProto& tensor : graph.initializers) {
    if (tensor.external.location.empty()) total += tensor.array.bytes.size();
  }
  return total;
}

}  // namespace

std::string serialize_model(const Model& model) {
  std::string bytes;
  bytes.reserve(inside_bytes(model.graph) + (size_t{1} << 16));
  pbf_writer message(bytes);
  message.add_int64(1, model.ir_version);
  message.add_string(2, model.producer_name);
  message.add_string(3, model.producer_version);
  write_graph(message, 7, model.graph);
  for (const auto& [domain, version] : model.opsets) {
    pbf_writer opset(message, 8);
    opset.add_string(1, domain);
    opset.add_int64(2, version);
  }
  for (const auto& [key, value] : model.metadata) write_entry(message, 14, key, value);
  if (bytes.size() > kLargestMessage) {
    throw Error("a model of more than 2 GB must be written with its tensors outside");
  }
  return bytes;
}

}  // namespace morph::onnx
