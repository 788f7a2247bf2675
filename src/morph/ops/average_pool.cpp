#include "morph/ops/pooling.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 7> kAttributes = {
    "auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"};

}  // namespace

constinit const OpDef kAveragePool{
    .name = "AveragePool",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = pooled_shape,
    .channels = pooled_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
