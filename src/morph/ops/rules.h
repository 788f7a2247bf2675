#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "morph/ops/op_def.h"

namespace morph {

/// The slots of Conv and Gemm.
inline constexpr std::array kWeightAndBias = {
    Slot{.name = "weight", .required = true, .trainable = true},
    Slot{.name = "bias", .required = false, .trainable = true},
};

/// Rule for infer_shape: that of the first input.
Shape same_shape(const Node& node, std::span<const Shape> inputs);

/// Rule for channels: those of the first input, handed on.
Channels same_channels(const Node& node, std::span<const ValueChannels> inputs, ChannelFlow& flow);

/// Pins a single channel that does not lie on axis 1, the only one along which a single channel can
/// be widened. `axis` is where it lies.
void pin_single_elsewhere(const Node& node,
                          const Channels& channels,
                          size_t axis,
                          ChannelFlow& flow);

/// Rule for work: no multiply-adds and no trainable numbers. Inputs are read, the output is
/// written.
Work uncounted_work(const Node& node, std::span<const Shape> inputs);

/// Rule for work: the output is the first input's memory; nothing is computed and nothing moved.
Work view_work(const Node& node, std::span<const Shape> inputs);

/// Rule for work: copies a part of the input; nothing is computed.
Work part_work(const Node& node, std::span<const Shape> inputs);

/// Rule for resize: no attribute holds a channel count or position.
void keep_attributes(Node& node, const Resize& change);

/// An op that makes each element of the output of the one at its place in its only input, and has
/// no attributes: Relu, Exp.
constexpr OpDef pointwise_op(std::string_view name) {
  return {.name = name,
          .min_inputs = 1,
          .max_inputs = 1,
          .slots = {},
          .attributes = {},
          .infer_shape = same_shape,
          .channels = same_channels,
          .work = uncounted_work,
          .resize = keep_attributes};
}

/// `axis` counted from the front. Throws Error if it is outside [-rank, rank) or the batch axis,
/// which no op but the broadcasting ones may touch since graphs run with any batch size.
size_t data_axis(const Node& node, int64_t axis, size_t rank);

/// Throws Error if the param is there and has another shape.
void check_param(const Node& node, const std::string& slot, const Shape& expected);

/// Throws Error unless the rank lies in [least, most].
void check_rank(const Node& node, const Shape& input, size_t least, size_t most);

/// States an attribute, or drops it where it is ONNX's default.
void set_integer(Node& node, const std::string& key, int64_t value, int64_t fallback);

/// Whether an axis keeps each of its positions once; see Copies.
bool is_unchanged(const std::vector<int64_t>& copies);

/// How many new positions come from the old ones in [begin, end).
int64_t new_count(const std::vector<int64_t>& copies, int64_t begin, int64_t end);

/// Elements of one position of `axis`; the batch, axis 0, counts once.
double elements_per_position(const Shape& shape, size_t axis);

}  // namespace morph
