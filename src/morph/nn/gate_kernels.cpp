#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/sigmoid.h>

#include "morph/nn/kernels.h"
#include "morph/nn/logistic_gate.h"

namespace morph {

LogisticGate::LogisticGate(const Node& node)
    : temperature(node.number("temperature", 0.001)),
      is_straight_through(node.integer("straight_through", 0) != 0),
      is_soft_at_inference(node.integer("soft_inference", 1) != 0),
      keeps_first(node.integer("keep_first", 1) != 0) {
  if (node.attrs.count("annealing_rate") != 0) annealing_rate = node.number("annealing_rate", 1);
}

at::Tensor LogisticGate::inference_mask(const at::Tensor& logits) const {
  at::Tensor mask = logits.gt(0).to(logits.scalar_type());
  if (is_soft_at_inference) mask = mask * at::sigmoid(logits);
  return with_first(mask);
}

at::Tensor LogisticGate::with_first(const at::Tensor& mask) const {
  if (!keeps_first) return mask;
  return at::cat({at::ones_like(mask.narrow(0, 0, 1)), mask.narrow(0, 1, mask.numel() - 1)});
}

at::Tensor straight_through(const at::Tensor& soft) {
  return soft.gt(0.5).to(soft.scalar_type()) + (soft - soft.detach());
}

namespace kernels {
namespace {

/// A sample of the logistic distribution into `noise`: log u − log(1 − u), u uniform in (0, 1).
void draw(at::Tensor noise) {
  // As near to 0 and 1 as a float's precision allows on both sides.
  constexpr double kMargin = 1e-7;
  const at::NoGradGuard no_grad;
  noise.uniform_().logit_(kMargin);
}

/// (logits + noise) / temperature; a pass at a falling temperature is counted.
at::Tensor score(const LogisticGate& gate, const KernelCall& call) {
  const at::Tensor sum = call.param("logits") + call.param("noise");
  if (!gate.annealing_rate) return sum / gate.temperature;
  at::Tensor step = call.param("step");
  const at::Tensor rise = (step * (std::log(10.0) / *gate.annealing_rate)).exp_();
  step.add_(1);
  return sum * (rise / gate.temperature);
}

at::Tensor sample(const LogisticGate& gate, const KernelCall& call) {
  draw(call.param("noise"));
  const at::Tensor soft = at::sigmoid(score(gate, call));
  return gate.with_first(gate.is_straight_through ? straight_through(soft) : soft);
}

}  // namespace

Kernel logistic_gate(const KernelSite& site) {
  const LogisticGate gate(site.node);
  const Shape& x = site.inputs[0];
  const int64_t axis = site.node.integer("axis", 1);
  Shape broadcast(x.size(), 1);
  const size_t from_front =
      static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(x.size()) : axis);
  broadcast[from_front] = x[from_front];
  return [gate, broadcast](const KernelCall& call) {
    const at::Tensor mask =
        call.training ? sample(gate, call) : gate.inference_mask(call.param("logits"));
    return call.input() * mask.to(call.input().scalar_type()).view(broadcast);
  };
}

}  // namespace kernels
}  // namespace morph
