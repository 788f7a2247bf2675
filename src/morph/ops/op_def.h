#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "morph/ir/graph.h"
#include "morph/ops/channels.h"

namespace morph {

/// What one node does for one example, as coefficients of its channel counts: `in`, the channels it
/// reads (or, if it mixes none, those of its first input), and `out`, those of its output.
struct Work {
  // What the op's rule says.
  double macs_per_pair = 0;       ///< Multiply-adds for each (in, out) pair: Conv, Gemm.
  double macs_per_output = 0;     ///< Multiply-adds for each output channel: depthwise Conv.
  double weights_per_pair = 0;    ///< Kernel weights for each (in, out) pair.
  double weights_per_output = 0;  ///< Kernel weights for each output channel: depthwise Conv.
  double offsets_per_output = 0;  ///< Other trainable numbers for each output channel: bias, BN
                                  ///< scale and shift.
  double offsets = 0;             ///< Trainable numbers in whole, of output channels: Parameter.
  double product_macs = 0;        ///< Multiply-adds in whole of a product of two values: MatMul.
  bool is_view = false;  ///< The output is the first input's memory, seen as it is or in another
                         ///< shape: Identity, Flatten, Reshape, Dropout. Nothing is moved.
  bool is_part = false;  ///< Of the input only what becomes output is read: Slice, Gather.

  // What node_work() works out for every op alike, from shapes, channels and params; rules leave it
  // alone. Sizes are in elements, counted once for each value or param that the node touches.
  double input_size = 0;          ///< Of the inputs, for each unit of the row's `in`.
  double output_size = 0;         ///< Of one output channel.
  double fixed_size = 0;          ///< Of values and constants, whatever lives.
  double params_per_pair = 0;     ///< Of params, shared and untrained ones too, for each pair.
  double params_per_output = 0;   ///< Of params and constants for each output channel: biases, BN
                                  ///< statistics.
  double fixed_params = 0;        ///< Of params that all channels share: the one slope of PRelu.
  double product_per_input = 0;   ///< Of product_macs, those for each unit of `in` …
  double product_per_output = 0;  ///< … or for each output channel.
  double slope_in_share = 0;      ///< How much of the arithmetic and weights per output channel is
                                  ///< charged to the slope of `in` as well; see BilinearForm.

  /// True for convolutions and dense layers, the ops whose multiply-adds are counted.
  bool is_layer() const { return macs_per_pair > 0 || macs_per_output > 0; }
};

/// A param that an op takes.
struct Slot {
  std::string_view name;
  bool required;
  bool trainable;  ///< False for running statistics.
};

/// One input of a node under channel analysis.
struct ValueChannels {
  const Shape& shape;
  const Channels& channels;
};

/// For each axis of a value, how many copies of each old position the new one has: 0 for a removed
/// channel, 1 for a kept one, more when widening; an empty list means one of each.
using Copies = std::vector<std::vector<int64_t>>;

/// What changes around a node when channels are removed or multiplied.
struct Resize {
  std::span<const Shape> old_inputs;
  std::span<const Copies> input_copies;
  std::span<const Shape> new_inputs;
  const Copies& output_copies;
  const Shape& new_output;
};

/// What becomes of a node when inputs of it vanish because they have no channels left.
enum class Needs {
  kEveryInput,  ///< It vanishes too.
  kAnyInput,    ///< It goes on with the inputs that are left: Add, Concat.
};

/// The number of inputs of an op that takes any number.
constexpr size_t kAnyNumber = SIZE_MAX;

/// Everything structure learning knows about one kind of operator. One per file in ops/.
struct OpDef {
  std::string_view name;  ///< ONNX op_type.
  size_t min_inputs;
  size_t max_inputs;
  std::span<const Slot> slots;
  std::span<const std::string_view> attributes;  ///< All that a node may state.

  /// The output's shape. Throws Error with the node's label where the node cannot be run. The
  /// number of inputs, slots and attribute names have been checked against the table above.
  Shape (*infer_shape)(const Node& node, std::span<const Shape> inputs);

  /// The output's channels; ties, pins and notes through `flow`.
  Channels (*channels)(const Node& node, std::span<const ValueChannels> inputs, ChannelFlow& flow);

  /// What the node computes, per channel. `node.shape` is known.
  Work (*work)(const Node& node, std::span<const Shape> inputs);

  /// Rewrites the attributes that hold channel counts or positions.
  void (*resize)(Node& node, const Resize& change);

  Needs needs = Needs::kEveryInput;

  /// The param that scales each output channel after it was normalised, a gamma gate; "" if none.
  std::string_view scale_slot = {};
};

/// The definition of `op`. Throws Error if there is none.
const OpDef& op_def(std::string_view op);

/// Every known op, sorted by name.
std::span<const OpDef* const> all_ops();

#define MORPH_OP(name) extern const OpDef k##name;
#include "morph/ops/ops.def"
#undef MORPH_OP

}  // namespace morph
