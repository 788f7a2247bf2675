#include "morph/ops/recurrent.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 2> kAttributes = {"activations", "direction"};

}  // namespace

/// With Tanh, or Relu where \`activations\` says so.
constinit const OpDef kRNN{
    .name = "RNN",
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
