#include "morph/onnx/opaque_proto.h"

#include <utility>

#include "morph/base/base64.h"
#include "morph/base/error.h"
#include "morph/ops/opaque.h"

namespace morph::onnx {
namespace {

DataType type_named(const Node& node) {
  const std::string name = node.text("type", type_name(DataType::kFloat));
  for (int32_t number = 0; number < 64; ++number) {
    const auto type = static_cast<DataType>(number);
    if (type_name(type) == name) return type;
  }
  throw Error(cat(node.label(), " unknown type '", name, "'"));
}

}  // namespace

std::string to_attribute(const OpaqueProto& proto) {
  Model model;
  model.graph.nodes = {proto.node};
  model.graph.initializers = proto.constants;
  return to_base64(serialize_model(model));
}

OpaqueProto opaque_proto(const Node& node, Storage& storage) {
  try {
    Model model = parse_model(storage.keep(from_base64(node.text("proto", ""))));
    if (model.graph.nodes.size() != 1) throw Error("it holds no single node");
    storage.take(std::move(model.storage));
    return {.node = std::move(model.graph.nodes[0]),
            .constants = std::move(model.graph.initializers)};
  } catch (const Error& error) {
    throw Error(cat(node.label(), " its attribute 'proto' is damaged: ", error.what()));
  }
}

ValueInfoProto opaque_value(const Node& node) {
  ValueInfoProto value{.name = node.name, .type = type_named(node)};
  const auto shape = node.attrs.find("shape");
  if (shape == node.attrs.end()) return value;
  value.has_shape = true;
  for (const int64_t size : node.ints("shape", {})) value.shape.push_back({.value = size});
  if (!value.shape.empty() && value.shape[0].value == 1) {
    value.shape[0] = {.value = -1, .name = "batch"};
  }
  return value;
}

}  // namespace morph::onnx
