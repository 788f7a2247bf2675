#pragma once

#include "morph/cost/cost_model.h"

namespace morph {

/// Weights of convolutions and dense layers alone, without biases and normalisation: what the
/// original calls model size.
///
///   F(in, out) = weights_per_pair · in · out + weights_per_output · out
class Weights final : public CostModel {
 public:
  using CostModel::CostModel;

  std::string_view name() const override { return "weights"; }
  std::string_view unit() const override { return "weights"; }
  std::vector<BilinearForm> forms(const Work& work) const override;
};

}  // namespace morph
