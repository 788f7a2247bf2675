// A kind of gate of your own, and a decorator around it. Say where the gates are and what r is;
// autograd finds the way from the price of a channel to your parameters.
//
// Here the gate is the size of a convolution's bias, log(1 + |bias|); the decorator charges half of
// it, as the one of MorphNet's own tests does, and leaves alone what counts as alive.

#include <iostream>
#include <memory>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Formatting.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

#include "morph/analysis/shapes.h"
#include "morph/ir/text.h"
#include "morph/regularize/network_regularizer.h"

namespace {

class BiasGates final : public morph::Gates {
 public:
  explicit BiasGates(const morph::GateContext& context) : Gates(find(context)) {
    for (const morph::GateSite& site : sites()) {
      biases_.push_back(context.module.params().at(site.tensor));
    }
  }

  morph::GateValues read() override { return {.size = at::cat(biases_).abs().log1p()}; }

 private:
  static std::vector<morph::GateSite> find(const morph::GateContext& context) {
    const morph::Graph& graph = context.module.graph();
    std::vector<morph::GateSite> sites;
    for (const morph::NodeId id : graph.ids()) {
      const std::vector<morph::ChannelId>& made = context.groups.made_by(id);
      if (!graph[id].has_param("bias") || morph::all_pinned(context.groups, made)) continue;
      sites.push_back({.node = id, .tensor = graph[id].params.at("bias").tensor, .sets = made});
    }
    return sites;
  }

  std::vector<at::Tensor> biases_;
};

class Halved final : public morph::Gates {
 public:
  explicit Halved(std::unique_ptr<morph::Gates> inner)
      : Gates(inner->sites()), inner_(std::move(inner)) {}

  morph::GateValues read() override {
    const morph::GateValues values = inner_->read();
    return {.size = values.size * 0.5, .judged = values.size};
  }

 private:
  std::unique_ptr<morph::Gates> inner_;
};

constexpr const char* kNetwork = R"(morph 1
network example
image = Input() shape=[1, 3, 8, 8]
conv = Conv(image; weight=[4, 3, 3, 3], bias=[4])
relu = Relu(conv)
head = Conv(relu; weight=[2, 4, 1, 1])
return head
)";

}  // namespace

int main() {
  const morph::Graph graph = morph::infer_shapes(morph::parse_graph(kNetwork));
  morph::Params params = morph::initial_params(graph, /*seed=*/0);
  params.at("conv.bias") = at::tensor({0.0F, 0.5F, -1.0F, 2.0F});
  const morph::GraphModule network(graph, std::move(params));

  const auto make = [](const morph::GateContext& context) {
    return std::make_unique<Halved>(std::make_unique<BiasGates>(context));
  };
  morph::NetworkRegularizer regularizer(network, {"flops"}, {.threshold = 0.3, .make_gates = make});
  regularizer.set_strengths({1e-3});
  const morph::Regularization now = regularizer.accumulate_gradient();

  const at::Tensor gradient = network.params().at("conv.bias").grad();
  const int64_t alive = regularizer.structure().layers.at("conv").alive_width();
  std::cout << "G = " << now.terms.item<double>() << ", alive " << alive << " of 4, gradient "
            << gradient << "\n";
  const bool has_right_signs = gradient[1].item<float>() > 0 && gradient[2].item<float>() < 0;
  return alive == 3 && has_right_signs ? 0 : 1;
}
