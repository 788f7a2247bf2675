#pragma once

#include <string>

#include "morph/cost/cost_model.h"
#include "morph/cost/devices.h"

namespace morph {

/// Nanoseconds of one forward pass by the roofline model: an op takes as long as its arithmetic at
/// the device's peak or its traffic at the device's bandwidth, whichever is longer, and ops run one
/// after the other (Williams et al., *Roofline*, CACM 52(4), 2009). Launches, caches and fusion are
/// left out, so it orders networks rather than predicts them.
///
///   F = max(flops / peak, bytes / bandwidth),     FLOP / (GFLOP/s) = B / (GB/s) = ns
class Latency final : public CostModel {
 public:
  /// `device` as in "latency:DEVICE", for the name.
  Latency(std::string_view device, const Roofline& roofline, const CostOptions& options = {});

  std::string_view name() const override { return name_; }
  std::string_view unit() const override { return "ns"; }
  /// Arithmetic first: where both take equally long, its slopes count.
  std::vector<BilinearForm> forms(const Work& work) const override;

 private:
  std::string name_;
  Roofline roofline_;
};

}  // namespace morph
