#pragma once

#include <string>

#include "morph/ir/graph.h"
#include "morph/onnx/model.h"

namespace morph::onnx {

/// An operator of a file that is not known, as the attribute `proto` of Opaque nodes has it. Each
/// input of the node is "" (left out), "live:I" (input I of our node), "param:SLOT:NAME" (a param
/// of it, and the initializer that it was), or "constant:NAME", one of the constants. An output is
/// "" where the file leaves it out.
struct OpaqueProto {
  NodeProto node = {};
  std::vector<TensorProto> constants = {};
};

/// The attribute.
std::string to_attribute(const OpaqueProto& proto);

/// The operator that an Opaque node stands for; `storage` takes its tensors. Throws Error naming
/// the node if it is damaged.
OpaqueProto opaque_proto(const Node& node, Storage& storage);

/// What an Opaque node's output is declared as, under the name of the node.
ValueInfoProto opaque_value(const Node& node);

}  // namespace morph::onnx
