#include "morph/train/sgd.h"

#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

namespace morph {

Sgd::Sgd(FlatParameters& parameters, const SgdOptions& options)
    : parameters_(parameters),
      momentum_(options.momentum),
      velocity_(at::zeros_like(parameters.values())) {
  if (options.weight_decay == 0) return;
  decay_ = at::zeros_like(parameters.values());
  for (const auto& [name, slice] : parameters.slices()) {
    const bool decays = options.decay_scales || parameters.view(decay_, name).dim() > 1;
    if (decays) decay_.narrow(0, slice.offset, slice.size).fill_(options.weight_decay);
  }
}

void Sgd::step(const at::Tensor& rate) {
  const c10::NoGradGuard no_grad;
  const at::Tensor& values = parameters_.values();
  const at::Tensor& grads = parameters_.grads();
  if (decay_.defined()) grads.addcmul_(decay_, values);
  velocity_.mul_(momentum_).add_(grads);
  grads.add_(velocity_, momentum_);
  values.addcmul_(grads, rate, -1);
}

}  // namespace morph
