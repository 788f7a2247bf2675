#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "morph/ops/op_def.h"
#include "morph/ops/rules.h"

namespace morph {

/// What RNN, GRU and LSTM have in common. They read [N, T, I] along T and make [N, T, D, H], the
/// states after each step: ONNX's first output with the batch in front. D is 2 for both directions.
struct Recurrence {
  int64_t gates = 1;       ///< G: matrices of each kind, 1, 3 or 4.
  int64_t directions = 1;  ///< D.
  int64_t hidden = 1;      ///< H.
  bool is_reversed = false;
};

/// Of a node whose params fit together. Throws Error otherwise.
Recurrence recurrence(const Node& node);

/// The slots, in ONNX's order and layout: weight [D, G·H, I], recurrence [D, G·H, H], bias
/// [D, 2·G·H] for both.
inline constexpr std::array kRecurrentSlots = {
    Slot{.name = "weight", .required = true, .trainable = true},
    Slot{.name = "recurrence", .required = true, .trainable = true},
    Slot{.name = "bias", .required = false, .trainable = true},
};

/// Their definitions.
extern const OpDef kGRU;
extern const OpDef kLSTM;
extern const OpDef kRNN;

/// Whether a node is one of them: what it makes is not linear in what it reads, unlike with all
/// other ops that mix channels.
inline bool is_recurrent(const Node& node) {
  return node.op == kGRU.name || node.op == kLSTM.name || node.op == kRNN.name;
}

/// The rules of the three.
Shape recurrent_shape(const Node& node, std::span<const Shape> inputs);
Channels recurrent_channels(const Node& node,
                            std::span<const ValueChannels> inputs,
                            ChannelFlow& flow);
Work recurrent_work(const Node& node, std::span<const Shape> inputs);

/// One of the three, with the attributes that it has.
constexpr OpDef recurrent_op(std::string_view name, std::span<const std::string_view> attributes) {
  return {.name = name,
          .min_inputs = 1,
          .max_inputs = 1,
          .slots = kRecurrentSlots,
          .attributes = attributes,
          .infer_shape = recurrent_shape,
          .channels = recurrent_channels,
          .work = recurrent_work,
          .resize = keep_attributes};
}

}  // namespace morph
