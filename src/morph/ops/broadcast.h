#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "morph/ops/op_def.h"
#include "morph/ops/rules.h"

namespace morph {

/// Rule for infer_shape: on each axis the operands have one extent, or 1. Throws Error otherwise,
/// and if ranks differ: aligned from the last axis, batches would meet other axes.
Shape broadcast_shape(const Node& node, std::span<const Shape> inputs);

/// The channels of each operand of an op that lays its operands over or beside each other. A
/// constant does not know which of its axes hold channels (Channels::is_open): those along which
/// the other operands vary do, and its positions along the rest are tied.
std::vector<Channels> met_channels(std::span<const ValueChannels> inputs, ChannelFlow& flow);

/// Rule for channels of elementwise ops with several operands: what meets in one position is tied.
/// An operand that is one channel spread over all channels of the others is pinned, but not a value
/// in a sum, which reads it as zero when it is removed.
Channels elementwise_channels(const Node& node,
                              std::span<const ValueChannels> inputs,
                              ChannelFlow& flow);

/// An op that makes each element of the output of those at its place in its operands, and has no
/// attributes: Add, Mul.
constexpr OpDef elementwise_op(std::string_view name,
                               size_t min_inputs,
                               size_t max_inputs,
                               Needs needs = Needs::kEveryInput) {
  return {.name = name,
          .min_inputs = min_inputs,
          .max_inputs = max_inputs,
          .slots = {},
          .attributes = {},
          .infer_shape = broadcast_shape,
          .channels = elementwise_channels,
          .work = uncounted_work,
          .resize = keep_attributes,
          .needs = needs};
}

}  // namespace morph
