#include "morph/ops/recurrent.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 2> kAttributes = {"activations", "direction"};

}  // namespace

/// With Tanh, or Relu where `activations` says so.
constinit const OpDef kRNN = recurrent_op("RNN", kAttributes);

}  // namespace morph
