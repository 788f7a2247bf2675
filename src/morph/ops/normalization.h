#pragma once

#include <array>

#include "morph/ops/op_def.h"

namespace morph {

/// The slots of normalisations that keep no running statistics: ONNX calls them scale and bias.
inline constexpr std::array kScaleAndShift = {
    Slot{.name = "weight", .required = true, .trainable = true},
    Slot{.name = "bias", .required = true, .trainable = true},
};

/// The same where the shift may be left out.
inline constexpr std::array kScaleAndOptionalShift = {
    Slot{.name = "weight", .required = true, .trainable = true},
    Slot{.name = "bias", .required = false, .trainable = true},
};

/// Throws Error unless the attribute 'epsilon' is a number that is not negative.
void check_epsilon(const Node& node);

/// The work of scaling and, where the node has a bias, shifting each output channel.
Work scale_and_shift_work(const Node& node, std::span<const Shape> inputs);

}  // namespace morph
