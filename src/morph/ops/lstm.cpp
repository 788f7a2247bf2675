#include "morph/ops/recurrent.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"direction"};

}  // namespace

/// Gates i, o, f, c in ONNX's order.
constinit const OpDef kLSTM{
    .name = "LSTM",
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
