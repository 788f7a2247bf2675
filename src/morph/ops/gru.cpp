#include "morph/ops/recurrent.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"direction"};

}  // namespace

/// Gates z, r, h in ONNX's order, with linear_before_reset = 1, as PyTorch has it.
constinit const OpDef kGRU = recurrent_op("GRU", kAttributes);

}  // namespace morph
