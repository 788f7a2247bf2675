#pragma once

#include "morph/cost/cost_model.h"

namespace morph {

/// Bytes of values that have to be in memory at once in a forward pass that frees each value after
/// its last reader: the peak over all nodes of what is live while the node runs, its inputs and its
/// output among it. Params are not counted.
///
///   F = max over moments of  bytes · batch · in,      in = elements that are live
class ActivationMemory final : public CostModel {
 public:
  using CostModel::CostModel;

  std::string_view name() const override { return "activation-memory"; }
  std::string_view unit() const override { return "bytes"; }
  CostTotal total_of() const override { return CostTotal::kLargest; }
  /// `work` is that of a moment; see live_values().
  std::vector<BilinearForm> forms(const Work& work) const override;
};

}  // namespace morph
