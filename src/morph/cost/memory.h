#pragma once

#include "morph/cost/cost_model.h"

namespace morph {

/// Bytes that one forward pass moves to and from memory if every op runs by itself and touches
/// every value and every param once: inputs and params are read, the output is written. Views move
/// nothing.
///
///   F(in, out) = bytes · (batch · (input_size · in + output_size · out + fixed_size)
///                         + params_per_pair · in · out + params_per_output · out + fixed_params)
class Memory final : public CostModel {
 public:
  using CostModel::CostModel;

  std::string_view name() const override { return "memory"; }
  std::string_view unit() const override { return "bytes"; }
  std::vector<BilinearForm> forms(const Work& work) const override;
};

/// What a node moves, in bytes: the form of Memory, and one side of the roofline.
BilinearForm traffic(const Work& work, const CostOptions& options);

/// Whether a node touches any value or param.
bool moves(const Work& work);

}  // namespace morph
