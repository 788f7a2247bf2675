#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "morph/ir/graph.h"

namespace morph {

/// How a Resize changes the size of one axis.
struct ResizedAxis {
  size_t axis = 0;
  int64_t input = 1;
  int64_t output = 1;
  double scale = 1;      ///< Output positions for each input position, as the node states it.
  double roi_begin = 0;  ///< Of tf_crop_and_resize: the part of the input that is shown, 0 … 1.
  double roi_end = 1;
};

/// What each position of a resized axis is computed from.
struct AxisWeights {
  std::vector<double> weights = {};   ///< [output, input], row-major. A row adds up to 1.
  std::vector<bool> is_outside = {};  ///< [output]: shows extrapolation_value instead.
};

/// The axes that a Resize of a value of shape `input` changes, in order; none if it does nothing.
/// Throws Error if the attributes do not fit.
std::vector<ResizedAxis> resized_axes(const Node& node, const Shape& input);

/// The weights by which ONNX defines what a Resize does along one axis, from the attributes mode,
/// coordinate_transformation_mode, nearest_mode, cubic_coeff_a, exclude_outside and antialias.
AxisWeights interpolation_weights(const Node& node, const ResizedAxis& axis);

}  // namespace morph
