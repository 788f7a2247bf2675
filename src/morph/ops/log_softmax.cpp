#include "morph/ops/rules.h"
#include "morph/ops/softmax.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"axis"};

}  // namespace

constinit const OpDef kLogSoftmax{
    .name = "LogSoftmax",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = softmax_shape,
    .channels = softmax_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
