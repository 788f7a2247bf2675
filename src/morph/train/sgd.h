#pragma once

#include <ATen/core/Tensor.h>

#include "morph/train/flat_parameters.h"

namespace morph {

/// What an Sgd does beside following the gradient.
struct SgdOptions {
  double momentum = 0.9;
  double weight_decay = 0;   ///< Added to the gradient as weight_decay · p, of every parameter.
  bool decay_scales = true;  ///< Decay BN scales too.
  at::Tensor mask = {};      ///< 0 at parameters that stay as they are, 1 elsewhere, laid out as
                             ///< FlatParameters::values(); undefined if none does.
};

/// Stochastic gradient descent with Nesterov momentum, as in PyTorch (Sutskever et al. 2013 with
/// the learning rate outside the momentum). With gradient g, momentum μ and rate η, each step is
///
///     g ← g + weight_decay · p;   v ← μ · v + g;   p ← p − η · (g + μ · v)
///
/// The rate is a tensor on the device, so that a recorded step can be replayed with another.
class Sgd {
 public:
  /// `parameters` must outlive it.
  Sgd(FlatParameters& parameters, const SgdOptions& options);

  /// One step with the gradients as they are, at rate η, float [1] on the device of the parameters;
  /// afterwards the gradients hold g + μ · v.
  void step(const at::Tensor& rate);

  /// v, laid out as FlatParameters::values(); 0 at first.
  const at::Tensor& velocity() const { return velocity_; }

 private:
  FlatParameters& parameters_;
  double momentum_;
  at::Tensor mask_;
  at::Tensor decay_;  // By element; undefined where nothing decays.
  at::Tensor velocity_;
};

}  // namespace morph
