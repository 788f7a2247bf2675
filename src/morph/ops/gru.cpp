#include "morph/ops/recurrent.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"direction"};

}  // namespace

/// Gates z, r, h in ONNX's order, with linear_before_reset = 1, as PyTorch has it.
constinit const OpDef kGRU{
    .name = "GRU",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = kRecurrentSlots,
    .attributes = kAttributes,
    .infer_shape = recurrent_shape,
    .channels = recurrent_channels,
    .work = recurrent_work,
    .resize = keep_attributes,
};

}  // namespace morph
