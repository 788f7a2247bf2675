#pragma once

#include <span>

#include "morph/ops/op_def.h"
#include "morph/ops/window.h"

namespace morph {

/// The window of MaxPool or AveragePool on a value of shape `input`; see sliding_window().
Window pool_window(const Node& node, const Shape& input);

/// Rule for infer_shape: [N, C, …] with the window's places on the spatial axes.
Shape pooled_shape(const Node& node, std::span<const Shape> inputs);

/// Rule for infer_shape: [N, C, 1, …], of a value of rank 3 to 5.
Shape global_pool_shape(const Node& node, std::span<const Shape> inputs);

/// Rule for channels: handed on. Channels that change along a spatial axis are pinned, since
/// pooling mixes them.
Channels pooled_channels(const Node& node,
                         std::span<const ValueChannels> inputs,
                         ChannelFlow& flow);

}  // namespace morph
