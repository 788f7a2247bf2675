#pragma once

#include <cstdint>
#include <vector>

#include "morph/ir/graph.h"

namespace morph {

/// How ConvTranspose lays its kernel over the spatial axes of its output. One entry per axis. The
/// whole pattern has (input - 1)·stride + (kernel - 1)·dilation + 1 positions; the output is the
/// pattern with `cut_begin` and `cut_end` positions cut off its ends, or, where they are negative,
/// added with the value 0.
struct TransposedWindow {
  std::vector<int64_t> strides = {};
  std::vector<int64_t> dilations = {};
  std::vector<int64_t> cut_begin = {};
  std::vector<int64_t> cut_end = {};
  std::vector<int64_t> output = {};
};

/// The window of a ConvTranspose that reads a value of shape `input`, from the attributes strides,
/// dilations, pads, output_padding, output_shape (the spatial axes) and auto_pad, as ONNX defines
/// them. Throws Error if an attribute does not fit or nothing would be left.
TransposedWindow transposed_window(const Node& node,
                                   const Shape& input,
                                   const std::vector<int64_t>& kernel);

}  // namespace morph
