#include "morph/ops/constant.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array kSlots = {Slot{.name = "value", .required = true, .trainable = true}};

Work parameter_work(const Node& node, std::span<const Shape>) {
  return {.offsets = static_cast<double>(element_count(node.shape))};
}

}  // namespace

/// A trainable tensor that other nodes read: a scale for each channel, a position embedding, a
/// class token. ONNX has it as an initializer.
constinit const OpDef kParameter{
    .name = "Parameter",
    .min_inputs = 0,
    .max_inputs = 0,
    .slots = kSlots,
    .attributes = kConstantAttributes,
    .infer_shape = constant_shape,
    .channels = constant_channels,
    .work = parameter_work,
    .resize = keep_attributes,
};

}  // namespace morph
