#include <algorithm>
#include <array>
#include <limits>

#include "morph/base/error.h"
#include "morph/onnx/importer.h"
#include "morph/ops/op_def.h"

namespace morph::onnx {
namespace {

Attr attr_of(const OpCall& call, const AttributeProto& attribute) {
  using Type = AttributeProto::Type;
  switch (attribute.type) {
    case Type::kInt:
    case Type::kInts:
      return attribute.ints;
    case Type::kFloat:
    case Type::kFloats: {
      std::vector<double> values;
      for (const float value : attribute.floats) values.push_back(with_same_digits(value));
      return values;
    }
    case Type::kString:
      return attribute.strings.at(0);
    default:
      call.fail(cat("attribute '", attribute.name, "' has another type than ONNX says"));
  }
}

/// What an absent attribute means in ONNX, for one op or for all that have it ("").
struct DefaultRow {
  std::string_view op;
  std::string_view attribute;
  double value;
};

constexpr std::array kDefaults = {
    DefaultRow{"", "antialias", 0},
    DefaultRow{"", "ceil_mode", 0},
    DefaultRow{"", "count_include_pad", 0},
    DefaultRow{"", "dilations", 1},
    DefaultRow{"", "epsilon", 1e-5},
    DefaultRow{"", "exclude_outside", 0},
    DefaultRow{"", "extrapolation_value", 0},
    DefaultRow{"", "group", 1},
    DefaultRow{"", "keepdims", 1},
    DefaultRow{"", "momentum", 0.9},
    DefaultRow{"", "output_padding", 0},
    DefaultRow{"", "strides", 1},
    DefaultRow{"Celu", "alpha", 1},
    DefaultRow{"Elu", "alpha", 1},
    DefaultRow{"Flatten", "axis", 1},
    DefaultRow{"Gather", "axis", 0},
    DefaultRow{"HardSigmoid", "alpha", 0.2},
    DefaultRow{"HardSigmoid", "beta", 0.5},
    DefaultRow{"LRN", "alpha", 1e-4},
    DefaultRow{"LRN", "beta", 0.75},
    DefaultRow{"LRN", "bias", 1},
    DefaultRow{"LayerNormalization", "axis", -1},
    DefaultRow{"LeakyRelu", "alpha", 0.01},
    DefaultRow{"LogSoftmax", "axis", -1},
    DefaultRow{"LpNormalization", "axis", -1},
    DefaultRow{"LpNormalization", "p", 2},
    DefaultRow{"RMSNormalization", "axis", -1},
    DefaultRow{"Resize", "cubic_coeff_a", -0.75},
    DefaultRow{"Selu", "alpha", 1.67326319217681884765625},
    DefaultRow{"Selu", "gamma", 1.05070102214813232421875},
    DefaultRow{"Softmax", "axis", -1},
    DefaultRow{"ThresholdedRelu", "alpha", 1},
};

struct TextDefaultRow {
  std::string_view attribute;
  std::string_view value;
};

constexpr std::array kTextDefaults = {
    TextDefaultRow{"approximate", "none"},
    TextDefaultRow{"auto_pad", "NOTSET"},
    TextDefaultRow{"coordinate_transformation_mode", "half_pixel"},
    TextDefaultRow{"keep_aspect_ratio_policy", "stretch"},
    TextDefaultRow{"nearest_mode", "round_prefer_floor"},
};

bool is_text_default(const OpCall& call, std::string_view name, const std::string& text) {
  if (name == "mode") {
    const std::string_view fallback = call.op() == "Pad"            ? "constant"
                                      : call.op() == "DepthToSpace" ? "DCR"
                                                                    : "nearest";
    return text == fallback;
  }
  return std::ranges::any_of(kTextDefaults, [&](const TextDefaultRow& row) {
    return row.attribute == name && row.value == text;
  });
}

bool is_default(const OpCall& call, std::string_view name, const Attr& attr) {
  if (const auto* text = std::get_if<std::string>(&attr)) {
    return is_text_default(call, name, *text);
  }
  // All-zero pads are those of a convolution or pooling; a Pad states them.
  if (name == "pads" && call.op() != "Pad") {
    const auto* pads = std::get_if<std::vector<int64_t>>(&attr);
    return pads != nullptr && std::ranges::count(*pads, 0) == static_cast<int64_t>(pads->size());
  }
  const auto row = std::ranges::find_if(kDefaults, [&](const DefaultRow& entry) {
    return entry.attribute == name && (entry.op.empty() || entry.op == call.op());
  });
  if (row == kDefaults.end()) return false;
  return std::visit(
      [&]<typename T>(const T& values) {
        if constexpr (std::is_same_v<T, std::string>) {
          return false;
        } else {
          return std::ranges::all_of(values, [&](auto value) {
            return static_cast<float>(value) == static_cast<float>(row->value);
          });
        }
      },
      attr);
}

/// Attributes that say nothing of what a node computes, or that its rule reads.
constexpr std::array<std::string_view, 10> kIdle = {"consumed_inputs",
                                                    "is_test",
                                                    "kernel_shape",
                                                    "output_dtype",
                                                    "seed",
                                                    "stash_type",
                                                    "scales",
                                                    "storage_order",
                                                    "to",
                                                    "training_mode"};

}  // namespace

std::map<std::string, Attr> same_attributes(const OpCall& call, std::string_view op) {
  const OpDef& def = op_def(op);
  std::map<std::string, Attr> attrs;
  for (const AttributeProto& attribute : call.node().attributes) {
    const bool is_known = std::ranges::find(def.attributes, attribute.name) != def.attributes.end();
    const bool is_idle = std::ranges::find(kIdle, attribute.name) != kIdle.end();
    const bool repeats_weight =
        attribute.name == "kernel_shape" && !def.slots.empty() && def.slots[0].required;
    if ((is_idle && !is_known) || repeats_weight) continue;
    Attr attr = attr_of(call, attribute);
    if (is_default(call, attribute.name, attr)) continue;
    if (!is_known) call.fail(cat("attribute '", attribute.name, "' is not supported"));
    attrs[attribute.name] = std::move(attr);
  }
  return attrs;
}

std::vector<Value> import_same_op(Importer& importer, const OpCall& call) {
  const auto ops = all_ops();
  const auto def =
      std::ranges::find(ops, call.op(), [](const OpDef* entry) { return entry->name; });
  constexpr std::array kOwn = {"Input", "LogisticGate", "Opaque", "Parameter"};
  if (def == ops.end() || std::ranges::find(kOwn, call.op()) != kOwn.end()) {
    call.fail(cat("this op is not supported", kPassThroughHint));
  }
  NewNode node{.op = call.op(), .attrs = same_attributes(call, call.op())};
  std::vector<Weight> weights;
  size_t rank = 0;
  for (size_t i = 0; i < call.input_count(); ++i) {
    if (call.has_input(i)) rank = std::max(rank, importer.shape(call.input(i)).size());
  }
  for (size_t i = 0; i < call.input_count(); ++i) {
    const bool fills_slot = i > 0 && i <= (*def)->slots.size();
    if (!call.has_input(i)) {
      if (!fills_slot) call.fail(cat("lacks its input ", i + 1));
    } else if (fills_slot) {
      weights.push_back(importer.weight(call, i, std::string((*def)->slots[i - 1].name)));
    } else {
      node.inputs.push_back(importer.operand(call, i, rank));
    }
  }
  return {importer.add(call, std::move(node), std::move(weights))};
}

}  // namespace morph::onnx
