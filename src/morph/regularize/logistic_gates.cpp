#include "morph/regularize/logistic_gates.h"

#include <cmath>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "morph/nn/logistic_gate.h"
#include "morph/regularize/flat_gates.h"
#include "morph/regularize/regularizer_options.h"

namespace morph {
namespace {

/// How the gates of a network draw, gate by gate.
struct Sampling {
  at::Tensor sharpness = {};            // [gates]: 1 / temperature before it falls.
  at::Tensor is_straight_through = {};  // Bool [gates]; undefined if none is.
  at::Tensor site_of_gate = {};         // Int [gates]; this and the next undefined if none anneals.
  at::Tensor rate = {};                 // [sites]: ln 10 / annealing rate, or 0.
};

class LogisticGates final : public Gates {
 public:
  LogisticGates(const GraphModule& module,
                std::vector<GateSite> sites,
                const RegularizerOptions& options)
      : Gates(std::move(sites)),
        logits_(module, this->sites()),
        charges_mask_(options.regularize_on_mask),
        judges_mask_(options.mask_as_alive) {
    for (const GateSite& site : this->sites()) noise_.push_back(module.param(site.node, "noise"));
    describe(module);
  }

  bool is_probability() const override { return true; }
  bool includes_threshold() const override { return true; }

  GateValues read() override {
    const at::Tensor logits = logits_.values();
    GateValues values;
    if (charges_mask_ || judges_mask_) sample(logits);
    if (!charges_mask_ || !judges_mask_) probability_ = at::sigmoid(logits);
    values.size = charges_mask_ ? mask_ : probability_;
    if (charges_mask_ != judges_mask_) values.judged = judges_mask_ ? mask_ : probability_;
    return values;
  }

  GateValues judge() override {
    const at::NoGradGuard no_grad;
    return {.size = at::sigmoid(logits_.values())};
  }

  void add_gradient(const at::Tensor& slopes) override {
    const at::NoGradGuard no_grad;
    const at::Tensor soft = (charges_mask_ ? soft_mask_ : probability_).detach();
    at::Tensor gradient = soft * (1 - soft) * slopes;
    if (charges_mask_) gradient.mul_(sharpness_now_);
    logits_.add_to_grads(gradient);
  }

 private:
  void describe(const GraphModule& module) {
    std::vector<double> sharpness;
    std::vector<int64_t> is_straight_through;
    std::vector<int32_t> site_of_gate;
    std::vector<double> rate;
    bool anneals = false;
    bool has_straight_through = false;
    for (const GateSite& site : sites()) {
      const LogisticGate gate(module.graph()[site.node]);
      const size_t gates = site.sets.size();
      sharpness.insert(sharpness.end(), gates, 1 / gate.temperature);
      is_straight_through.insert(
          is_straight_through.end(), gates, gate.is_straight_through ? 1 : 0);
      site_of_gate.insert(site_of_gate.end(), gates, static_cast<int32_t>(rate.size()));
      rate.push_back(gate.annealing_rate ? std::log(10.0) / *gate.annealing_rate : 0);
      steps_.push_back(gate.annealing_rate ? module.param(site.node, "step")
                                           : at::zeros({1}, noise_.front().options()));
      anneals = anneals || gate.annealing_rate.has_value();
      has_straight_through = has_straight_through || gate.is_straight_through;
    }
    const auto on_device = [&](const at::Tensor& tensor) {
      return tensor.to(noise_.front().device(), noise_.front().scalar_type());
    };
    const c10::Device device = noise_.front().device();
    sampling_.sharpness = on_device(at::tensor(sharpness));
    if (has_straight_through) {
      sampling_.is_straight_through =
          at::tensor(is_straight_through, at::kLong).to(at::kBool).to(device);
    }
    if (!anneals) return;
    sampling_.site_of_gate = at::tensor(site_of_gate, at::kInt).to(device);
    sampling_.rate = on_device(at::tensor(rate));
  }

  /// The mask that the last training pass drew, from the noise it left behind.
  void sample(const at::Tensor& logits) {
    sharpness_now_ = sampling_.sharpness;
    if (sampling_.rate.defined()) {
      // The pass counted itself after it had taken its temperature.
      const at::Tensor step = at::cat(steps_).sub(1).clamp_min_(0);
      const at::Tensor rise = (step * sampling_.rate).exp_();
      sharpness_now_ = rise.index_select(0, sampling_.site_of_gate) * sampling_.sharpness;
    }
    const at::Tensor soft = at::sigmoid((logits + at::cat(noise_)) * sharpness_now_);
    soft_mask_ = soft;
    mask_ = sampling_.is_straight_through.defined()
                ? at::where(sampling_.is_straight_through, straight_through(soft), soft)
                : soft;
  }

  FlatGates logits_;
  bool charges_mask_;
  bool judges_mask_;
  std::vector<at::Tensor> noise_;  // By site, like the next.
  std::vector<at::Tensor> steps_;
  Sampling sampling_;

  // Of the last read().
  at::Tensor sharpness_now_;
  at::Tensor soft_mask_;
  at::Tensor mask_;
  at::Tensor probability_;
};

}  // namespace

std::vector<GateSite> find_logistic_gates(const Graph& graph, const ChannelGroups& groups) {
  return find_gate_sites(graph, groups, [&](NodeId id) {
    return graph[id].op == "LogisticGate" ? std::string_view("logits") : std::string_view();
  });
}

std::unique_ptr<Gates> make_logistic_gates(const GateContext& context) {
  return std::make_unique<LogisticGates>(
      context.module, find_logistic_gates(context.module.graph(), context.groups), context.options);
}

}  // namespace morph
