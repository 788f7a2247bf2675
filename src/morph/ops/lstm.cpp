#include "morph/ops/recurrent.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"direction"};

}  // namespace

/// Gates i, o, f, c in ONNX's order.
constinit const OpDef kLSTM = recurrent_op("LSTM", kAttributes);

}  // namespace morph
