#pragma once

#include <optional>

#include "morph/analysis/channel_scope.h"
#include "morph/ir/graph.h"

namespace morph {

/// Which layers get gates, and what kind.
struct InsertGatesOptions {
  enum class Layers {
    kUnnormalized,  ///< Those that no BatchNormalization follows.
    kAll,           ///< Those too; the gate stands behind the BatchNormalization.
  };
  Layers layers = Layers::kUnnormalized;
  double temperature = 0.5;  ///< MorphNet's is 0.001, at which slopes are nearly always 0.
  std::optional<double> annealing_rate = {};  ///< Training passes; by default it stays.
  bool straight_through = false;
  double log_odds = 2.5;  ///< Where logits begin: a channel is there with p = 0.924.
  bool soft_inference = true;
  bool keep_first = true;
  ChannelScope scope = {};
};

/// The graph with a node LogisticGate, named `<layer>.gate`, behind every convolution and dense
/// layer of which a channel may be removed; layers that have one are left alone. Weights for it
/// come from gated_params(). Throws Error if no layer is to be gated.
Graph insert_gates(const Graph& graph, const InsertGatesOptions& options = {});

}  // namespace morph
