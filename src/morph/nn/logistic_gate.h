#pragma once

#include <optional>

#include <ATen/core/Tensor.h>

#include "morph/ir/graph.h"

namespace morph {

/// What a node LogisticGate says; see ops/logistic_gate.cpp for what it computes.
struct LogisticGate {
  explicit LogisticGate(const Node& node);

  /// [channels]: what the channels are multiplied by at inference.
  at::Tensor inference_mask(const at::Tensor& logits) const;

  /// The mask with 1 in the first place, if the gate keeps that.
  at::Tensor with_first(const at::Tensor& mask) const;

  double temperature = 0;  ///< Before it falls.
  bool is_straight_through = false;
  bool is_soft_at_inference = true;
  bool keeps_first = true;
  std::optional<double> annealing_rate = {};  ///< Training passes in which it falls to a tenth.
};

/// 1[soft > 1/2] with the slope of `soft`.
at::Tensor straight_through(const at::Tensor& soft);

}  // namespace morph
