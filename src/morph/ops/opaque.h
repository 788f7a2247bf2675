#pragma once

#include <array>
#include <string>
#include <string_view>

#include "morph/ir/graph.h"
#include "morph/ops/op_def.h"

namespace morph {

/// The op of nodes that stand for an operator of a file that is not known: it cannot be run, what
/// it reads and makes keeps all channels, and it is written back as it was. Each output of the
/// operator is a node of its own. Attributes:
///   call     name of the node of the operator's first output here, the same for all of them
///   domain   of the operator; "" (left out) is ONNX itself
///   op_type  its name
///   opset    version of the domain
///   output   which output this is, from 0
///   proto    the operator with its attributes and those inputs that are constants but no floats: a
///            graph of one node in ONNX's format, in base64
///   shape    declared for the output, -1 where open; left out if nothing is declared
///   type     element type of the output, left out for float32
inline constexpr std::string_view kOpaqueOp = "Opaque";
/// Its definition.
extern const OpDef kOpaque;
/// Whether a node stands for an operator that is not known.
inline bool is_opaque(const Node& node) { return node.op == kOpaqueOp; }

/// The params of an Opaque node: constant inputs of float32, by their place among all inputs.
inline constexpr std::array<std::string_view, 16> kOpaqueSlots = {"input0",
                                                                  "input1",
                                                                  "input2",
                                                                  "input3",
                                                                  "input4",
                                                                  "input5",
                                                                  "input6",
                                                                  "input7",
                                                                  "input8",
                                                                  "input9",
                                                                  "input10",
                                                                  "input11",
                                                                  "input12",
                                                                  "input13",
                                                                  "input14",
                                                                  "input15"};

/// "'boxes', a NonMaxSuppression, which is not known", for reasons and messages.
std::string describe_opaque(const Node& node);

}  // namespace morph
