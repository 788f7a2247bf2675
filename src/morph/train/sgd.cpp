#include "morph/train/sgd.h"

#include <ATen/ops/full_like.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

namespace morph {

Sgd::Sgd(FlatParameters& parameters, const SgdOptions& options)
    : parameters_(parameters),
      momentum_(options.momentum),
      mask_(options.mask),
      velocity_(at::zeros_like(parameters.values())) {
  if (options.weight_decay == 0) return;
  decay_ = at::full_like(parameters.values(), options.weight_decay);
  if (!options.decay_scales) decay_.narrow(0, 0, parameters.scales().numel()).zero_();
}

void Sgd::step(const at::Tensor& rate) {
  const c10::NoGradGuard no_grad;
  const at::Tensor& values = parameters_.values();
  const at::Tensor& grads = parameters_.grads();
  if (decay_.defined()) grads.addcmul_(decay_, values);
  if (mask_.defined()) grads.mul_(mask_);
  velocity_.mul_(momentum_).add_(grads);
  grads.add_(velocity_, momentum_);
  values.addcmul_(grads, rate, -1);
}

}  // namespace morph
