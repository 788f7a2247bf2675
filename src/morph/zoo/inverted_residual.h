#pragma once

#include <optional>
#include <string>

#include "morph/zoo/builder.h"

namespace morph::zoo {

/// A gate on every channel, computed from the means of all.
struct SqueezeExcite {
  int64_t width = 0;  ///< Channels between the two 1x1 convolutions, after the width multiplier.
  Activation activation = Activation::kRelu;  ///< Between them.
  bool is_hard = false;                       ///< The gate is a hard sigmoid.
};

/// A unit that widens, filters each channel by itself, and narrows again.
struct InvertedResidual {
  std::string name = {};
  int64_t expanded = 0;  ///< Width inside, after the width multiplier.
  bool expands = true;   ///< Begins with a 1x1 convolution to that width.
  int64_t kernel = 3;    ///< Side of the depthwise convolution.
  int64_t stride = 1;
  Activation activation = Activation::kRelu;
  std::optional<SqueezeExcite> gate = {};
  int64_t out = 0;
  bool adds_input = false;  ///< Its output is added to what it read.
};

/// Appends a unit as torchvision's MobileNetV3 and EfficientNet have it, parts `<name>.block.0`,
/// `<name>.block.1`, …
NodeId inverted_residual(Builder& net, const InvertedResidual& unit, NodeId x);

}  // namespace morph::zoo
