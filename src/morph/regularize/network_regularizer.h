#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "morph/analysis/channel_blocks.h"
#include "morph/analysis/channel_groups.h"
#include "morph/analysis/structure.h"
#include "morph/cost/cost_model.h"
#include "morph/nn/graph_module.h"
#include "morph/regularize/gamma_gates.h"

namespace morph {

/// How gates are judged.
struct RegularizerOptions {
  double threshold = 0.01;  ///< A channel is alive while a gate of its set is above this.
};

/// What one evaluation of the regularizer yields, all on the network's device.
struct Regularization {
  at::Tensor terms = {};     ///< Double [costs]: G of each cost, without strength.
  at::Tensor costs = {};     ///< Double [costs]: what the alive channels cost now.
  at::Tensor gradient = {};  ///< Float [gates]: ∂(Σ_k strength_k · G_k)/∂γ, gates end to end.
};

/// Charges every channel its marginal cost in one or more resources (MorphNet, Eq. 9):
///
///   G = Σ_nodes  ∂F/∂in · Σ_{i read} r_i  +  ∂F/∂out · Σ_{j made} r_j
///
/// where r of a channel set is the largest |γ| of its BN scales, a set is alive while r is above
/// the threshold, and the slopes of the cost F are taken at the alive counts and held constant. So
/// the gradient at the largest gate of a set is the set's price: what the network would save by
/// dropping it. Gates that share the maximum share the price. Pinned channels, and channels with no
/// BN scale, count as alive and are not charged.
///
/// Everything is a fixed number of tensor operations, whatever the depth, without host
/// synchronisation; gates that lie end to end in memory, as a Trainer lays them, are read and their
/// gradients written in place. Built for one structure; build a new one after shrink().
class NetworkRegularizer {
 public:
  /// `module` must outlive the regularizer. Throws Error if the network has no BN scale that could
  /// be regularised.
  NetworkRegularizer(const GraphModule& module,
                     const std::vector<std::string>& costs,
                     const RegularizerOptions& options = {});
  ~NetworkRegularizer();
  NetworkRegularizer(const NetworkRegularizer&) = delete;
  NetworkRegularizer& operator=(const NetworkRegularizer&) = delete;

  /// The strength of each cost, in the order of the constructor; 0 at first.
  void set_strengths(const std::vector<double>& strengths);

  /// Σ_k strength_k · G_k, differentiable in the BN scales: add it to the loss.
  at::Tensor term() const;

  /// Value, cost and gradient at once, without autograd.
  Regularization evaluate() const;

  /// The same, and adds the gradient into the .grad of the BN scales: what term() and backward()
  /// would do, for less.
  Regularization accumulate_gradient() const;

  /// By set: the largest |γ|, on the host; 0 for sets without a gate.
  std::vector<double> set_values() const;

  /// By set: true if it has a gate and is not pinned, so that it can be removed.
  const std::vector<bool>& removable() const { return removable_; }

  /// The structure that keeps what is above `threshold` (by default the option).
  Structure structure() const;
  Structure structure(double threshold) const;

  const std::vector<GateSite>& sites() const { return sites_; }
  const ChannelGroups& groups() const { return groups_; }

 private:
  struct Tables;

  Regularization evaluate(const at::Tensor& gates) const;

  const GraphModule& module_;
  RegularizerOptions options_;
  ChannelGroups groups_;
  ChannelBlocks blocks_;
  std::vector<GateSite> sites_;
  std::vector<bool> removable_;
  std::unique_ptr<Tables> tables_;
};

}  // namespace morph
