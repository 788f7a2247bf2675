#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "morph/ops/op_def.h"

namespace morph {

/// One way to spend: F(in, out) = pair·in·out + per_in·in + per_out·out + fixed.
struct BilinearForm {
  double pair = 0;
  double per_in = 0;
  double per_out = 0;
  double fixed = 0;

  double operator()(double in, double out) const {
    return pair * in * out + per_in * in + per_out * out + fixed;
  }
};

/// A resource that a network spends: FLOPs, parameters, latency on a device.
///
/// A model states the cost of one node as the largest of a few bilinear forms in how many channels
/// it reads and makes (MorphNet, Eq. 6). From the one table of coefficients follow the cost that is
/// reported, the budget that is met, and the regularizer, which is the slope of the cost:
/// G = ∂F/∂in · Σ r_in + ∂F/∂out · Σ r_out (Eq. 9).
class CostModel {
 public:
  virtual ~CostModel() = default;

  virtual std::string_view name() const = 0;  ///< As on the command line: "flops".
  virtual std::string_view unit() const = 0;  ///< For reports: "FLOPs".

  /// The forms of which one node costs the largest; none if it costs nothing.
  virtual std::vector<BilinearForm> forms(const Work& work) const = 0;
};

/// The model called `name`. Throws Error listing the known ones.
std::unique_ptr<CostModel> make_cost_model(std::string_view name);

/// The names make_cost_model() knows, in the order they are reported.
std::vector<std::string> cost_model_names();

}  // namespace morph
