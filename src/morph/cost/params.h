#pragma once

#include "morph/cost/cost_model.h"

namespace morph {

/// Every trainable number: weights, biases, BN scales and shifts. Running statistics are not
/// trained and not counted.
///
///   F(in, out) = weights_per_pair · in · out + (weights_per_output + offsets_per_output) · out
///                + fixed_params
class ParamCount final : public CostModel {
 public:
  using CostModel::CostModel;

  std::string_view name() const override { return "params"; }
  std::string_view unit() const override { return "parameters"; }
  std::vector<BilinearForm> forms(const Work& work) const override;
};

}  // namespace morph
