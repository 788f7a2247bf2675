#pragma once

#include <cstdint>
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
  /// Added to ∂F/∂in for the regularizer, and to nothing else: the original charges a depthwise
  /// convolution's one channel at both ends. 0 but in Compat::kMorphNet.
  double slope_in = 0;

  double operator()(double in, double out) const {
    return pair * in * out + per_in * in + per_out * out + fixed;
  }

  /// Every coefficient times `factor`.
  BilinearForm scaled(double factor) const;
};

/// Whose rules a cost follows.
enum class Compat {
  kNone,      ///< Our own: everything that moves or computes is charged for what it does.
  kMorphNet,  ///< google-research/morph-net at d9286a1: its list of ops, and its mistakes.
};

/// "none" or "morph-net". Throws Error listing them.
Compat parse_compat(std::string_view name);

/// What costs depend on beside the network.
struct CostOptions {
  int64_t batch_size = 1;     ///< Examples in a forward pass.
  int64_t element_bytes = 4;  ///< Bytes of a number: 4 for float32, 2 for half precision.
  Compat compat = Compat::kNone;
};

/// How the rows of a cost table add up to what the network costs.
enum class CostTotal {
  kSumOfRows,  ///< Each row is a node; the network spends what all of them do.
  kLargest,    ///< Each row is a moment of the forward pass; the network needs the largest.
};

/// A resource that a network spends: FLOPs, parameters, latency on a device.
///
/// A model states the cost of one node as the largest of a few bilinear forms in how many channels
/// it reads and makes (MorphNet, Eq. 6). From the one table of coefficients follow the cost that is
/// reported, the budget that is met, and the regularizer, which is the slope of the cost:
/// G = ∂F/∂in · Σ r_in + ∂F/∂out · Σ r_out (Eq. 9).
class CostModel {
 public:
  /// Throws Error if the batch or the element is smaller than 1.
  explicit CostModel(const CostOptions& options = {});
  virtual ~CostModel() = default;

  virtual std::string_view name() const = 0;  ///< As on the command line: "flops".
  virtual std::string_view unit() const = 0;  ///< For reports: "FLOPs".

  /// The forms of which one row costs the largest; none if it costs nothing.
  virtual std::vector<BilinearForm> forms(const Work& work) const = 0;

  /// What a row is, and how rows add up.
  virtual CostTotal total_of() const { return CostTotal::kSumOfRows; }

  const CostOptions& options() const { return options_; }

 private:
  CostOptions options_;
};

/// The model called `name`: one of cost_model_names(), or "latency:DEVICE" (see find_device()).
/// Throws Error listing the known ones.
std::unique_ptr<CostModel> make_cost_model(std::string_view name, const CostOptions& options = {});

/// The names make_cost_model() knows without a device.
std::vector<std::string> cost_model_names();

/// The costs that are reported where none is asked for.
std::vector<std::string> default_cost_names();

/// Splits "flops,latency:peak=1T,bandwidth=100,memory" into its three costs: a comma within a
/// device does not end a cost. Throws Error if an entry is empty.
std::vector<std::string> split_cost_names(std::string_view text);

}  // namespace morph
