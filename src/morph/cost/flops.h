#pragma once

#include "morph/cost/cost_model.h"

namespace morph {

/// Arithmetic of one forward pass: convolutions, dense layers and products of two values, a
/// multiply-add counting as two. Biases, normalisation, activation functions and pooling are left
/// out, as is usual in the field (MorphNet, Eq. 6 with C = 2 · kernel · output pixels / groups).
///
///   F(in, out) = batch · 2 · (macs_per_pair · in · out + macs_per_output · out)
class Flops final : public CostModel {
 public:
  using CostModel::CostModel;

  std::string_view name() const override { return "flops"; }
  std::string_view unit() const override { return "FLOPs"; }
  std::vector<BilinearForm> forms(const Work& work) const override;
};

/// What a node computes, in FLOPs: the form of Flops, and one side of the roofline.
BilinearForm arithmetic(const Work& work, const CostOptions& options);

/// Whether a node does any of the arithmetic that is counted.
bool computes(const Work& work);

}  // namespace morph
