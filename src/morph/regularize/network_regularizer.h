#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "morph/analysis/channel_blocks.h"
#include "morph/analysis/channel_groups.h"
#include "morph/analysis/structure.h"
#include "morph/nn/graph_module.h"
#include "morph/regularize/gates.h"
#include "morph/regularize/regularizer_options.h"

namespace morph {

/// What one evaluation of the regularizer yields, all on the network's device.
struct Regularization {
  at::Tensor terms = {};   ///< Double [costs]: G of each cost, without strength.
  at::Tensor costs = {};   ///< Double [costs]: what the alive channels cost now.
  at::Tensor prices = {};  ///< [pools]: the same in the combined r of a set; see TiedGates.
  at::Tensor slopes = {};  ///< [gates]: ∂(Σ_k strength_k · G_k)/∂r, the sites end to end.
};

/// Charges every channel its marginal cost in one or more resources (MorphNet, Eq. 9):
///
///   G = Σ_nodes  ∂F/∂in · Σ_{i read} r_i  +  ∂F/∂out · Σ_{j made} r_j
///
/// where r of a channel set combines its gates, a set is alive while they are above the threshold,
/// and the slopes of the cost F are taken at the alive counts and held constant. So the slope of G
/// in the r of a set is the set's price: what the network would save by dropping it. With
/// Combination::kLargest the largest gate bears it, and gates that share the maximum share it.
/// Pinned channels, and channels without a gate, count as alive and are not charged.
///
/// Everything is a fixed number of tensor operations, whatever the depth, without host
/// synchronisation; parameters that lie in one buffer, as a Trainer lays them, are read and their
/// gradients written in place. Built for one structure; build a new one after shrink() and after
/// GraphModule::to().
class NetworkRegularizer {
 public:
  /// `module` must outlive the regularizer. Throws Error if the network has no gate of the kind on
  /// a channel that may be removed, or the options do not go together.
  NetworkRegularizer(const GraphModule& module,
                     const std::vector<std::string>& costs,
                     const RegularizerOptions& options = {});
  ~NetworkRegularizer();
  NetworkRegularizer(const NetworkRegularizer&) = delete;
  NetworkRegularizer& operator=(const NetworkRegularizer&) = delete;

  /// The strength of each cost, in the order of the constructor; 0 at first. They are copied into a
  /// tensor on the device, so that a recorded step sees them change.
  void set_strengths(const std::vector<double>& strengths);
  const at::Tensor& strengths() const { return strengths_; }  ///< Double [costs].

  /// Σ_k strength_k · G_k, differentiable in the gates' parameters: add it to the loss.
  at::Tensor term() const;

  /// Value, cost and slopes at once, without autograd.
  Regularization evaluate() const;

  /// The same, and adds the gradient into the .grad of the gates' parameters: what term() and
  /// backward() would do, for less. With RegularizerOptions::proximal it adds nothing, but keeps
  /// the prices for proximal_step().
  Regularization accumulate_gradient();

  /// After an optimizer's step with learning rate η (`rate`, a scalar tensor on the device): moves
  /// the gates to the minimum of  η · Σ slopes · r + |θ − θ_now|² / 2,  with the prices of the last
  /// accumulate_gradient() and what they are for each gate as it is now. With Combination::kL2 and
  /// BN scales that is the soft threshold of the set as a whole: each scale of it is multiplied by
  /// max(0, 1 − η · price / √(Σ r²)), so all are zero at once. Needs RegularizerOptions::proximal.
  void proximal_step(const at::Tensor& rate);
  bool is_proximal() const { return options_.proximal; }

  /// By set, on the host: what is compared with the threshold, combined; 0 for sets without a gate.
  /// Gates that draw at random are taken by their probability.
  std::vector<double> set_values() const;

  /// By set: true if it has a gate and is not pinned, so that it can be removed.
  const std::vector<bool>& removable() const { return removable_; }

  /// By set: alive at `threshold`, by set_values(); layers keep the least width of the scope.
  std::vector<bool> alive(double threshold) const;
  std::vector<bool> alive() const { return alive(options_.threshold); }

  /// The structure that keeps what is alive at `threshold` (by default the option).
  Structure structure() const;
  Structure structure(double threshold) const;

  const std::vector<GateSite>& sites() const { return gates_->sites(); }
  const ChannelGroups& groups() const { return groups_; }

 private:
  struct Tables;

  Regularization evaluate(const GateValues& values) const;
  Combination combination_of_judged() const;

  const GraphModule& module_;
  RegularizerOptions options_;
  ChannelGroups groups_;
  ChannelBlocks blocks_;
  std::unique_ptr<Gates> gates_;
  std::vector<bool> removable_;
  std::unique_ptr<Tables> tables_;
  at::Tensor strengths_;
  at::Tensor kept_prices_;  // For proximal_step().
};

}  // namespace morph
