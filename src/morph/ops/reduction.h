#pragma once

#include <array>
#include <string_view>

#include "morph/ops/op_def.h"
#include "morph/ops/rules.h"

namespace morph {

/// The attributes of the reductions.
inline constexpr std::array<std::string_view, 3> kReductionAttributes = {
    "axes", "keepdims", "noop_with_empty_axes"};

/// By axis of a value of this rank, whether the node reduces it. Throws Error if it names the batch
/// axis, as naming none does, unless noop_with_empty_axes is set.
std::vector<bool> reduced_axes(const Node& node, size_t rank);

/// Rule for infer_shape: 1 on the reduced axes, or without them if keepdims is 0.
Shape reduced_shape(const Node& node, std::span<const Shape> inputs);

/// Rule for channels of reductions that read a removed channel as zero, sums and norms. Channels
/// along other axes are handed on, those that are reduced into one of them are tied; if nothing but
/// channels is reduced, the result is a new one computed from all of them.
Channels summed_channels(const Node& node,
                         std::span<const ValueChannels> inputs,
                         ChannelFlow& flow);

/// The same for other reductions, means and extremes: reduced channels are pinned.
Channels reduced_channels(const Node& node,
                          std::span<const ValueChannels> inputs,
                          ChannelFlow& flow);

/// A reduction with one of the rules for channels above.
constexpr OpDef reduction_op(std::string_view name, decltype(OpDef::channels) channels) {
  return {.name = name,
          .min_inputs = 1,
          .max_inputs = 1,
          .slots = {},
          .attributes = kReductionAttributes,
          .infer_shape = reduced_shape,
          .channels = channels,
          .work = uncounted_work,
          .resize = keep_attributes};
}

}  // namespace morph
