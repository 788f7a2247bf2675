#pragma once

#include "morph/cost/cost_model.h"

namespace morph {

/// Elements that convolutions and dense layers write in one forward pass: what has to be kept for
/// the backward pass, and a good guess at memory traffic (Radosavovic et al. 2020).
///
///   F(in, out) = batch · output_size · out
class Activations final : public CostModel {
 public:
  using CostModel::CostModel;

  std::string_view name() const override { return "activations"; }
  std::string_view unit() const override { return "elements"; }
  std::vector<BilinearForm> forms(const Work& work) const override;
};

}  // namespace morph
