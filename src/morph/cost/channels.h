#pragma once

#include "morph/cost/cost_model.h"

namespace morph {

/// Channels that convolutions and dense layers make: what the original calls activation count.
///
///   F(in, out) = out
class ChannelCount final : public CostModel {
 public:
  using CostModel::CostModel;

  std::string_view name() const override { return "channels"; }
  std::string_view unit() const override { return "channels"; }
  std::vector<BilinearForm> forms(const Work& work) const override;
};

}  // namespace morph
