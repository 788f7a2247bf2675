#include "morph/regularize/gamma_gates.h"

#include <set>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/softshrink.h>

#include "morph/ops/op_def.h"
#include "morph/regularize/flat_gates.h"

namespace morph {
namespace {

class GammaGates final : public Gates {
 public:
  GammaGates(const GraphModule& module, std::vector<GateSite> sites)
      : Gates(std::move(sites)), scales_(module, this->sites()) {}

  GateValues read() override {
    values_ = scales_.values();
    return {.size = values_.abs()};
  }

  void add_gradient(const at::Tensor& slopes) override {
    scales_.add_to_grads(values_.detach().sign().mul_(slopes));
  }

  bool has_proximal_step() const override { return true; }

  void step_towards_zero(const at::Tensor& amounts) override {
    const at::NoGradGuard no_grad;
    const at::Tensor now = scales_.values();
    const at::Tensor left = now.abs().sub_(amounts).clamp_min_(0);
    scales_.set_values(left.mul_(now.sign()));
  }

 private:
  FlatGates scales_;
  at::Tensor values_;  // At the last read().
};

}  // namespace

std::vector<GateSite> find_gamma_gates(const Graph& graph, const ChannelGroups& groups) {
  return find_gate_sites(graph, groups, [&](NodeId id) { return op_def(graph[id].op).scale_slot; });
}

std::unique_ptr<Gates> make_gamma_gates(const GateContext& context) {
  return std::make_unique<GammaGates>(context.module,
                                      find_gamma_gates(context.module.graph(), context.groups));
}

}  // namespace morph
