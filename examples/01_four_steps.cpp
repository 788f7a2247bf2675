// The four steps of the MorphNet article in a training loop of your own: a network learns which of
// its channels are worth their FLOPs while it trains; then those that are not are taken out.

#include <functional>
#include <iostream>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <nlohmann/json.hpp>

#include "morph/base/file.h"
#include "morph/cost/flops.h"
#include "morph/cost/network_cost.h"
#include "morph/data/loader.h"
#include "morph/nn/cut.h"
#include "morph/regularize/network_regularizer.h"
#include "morph/train/trainer.h"
#include "morph/zoo/zoo.h"

namespace {

// Your loop: plain SGD on the cross-entropy plus whatever `add_to_loss` returns.
void train(morph::GraphModule& network,
           morph::Loader& batches,
           int64_t epochs,
           const std::function<at::Tensor(at::Tensor)>& add_to_loss) {
  network.set_training(true);
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    batches.start_epoch(epoch);
    while (const auto batch = batches.next()) {
      add_to_loss(at::cross_entropy_loss(network.forward(batch->images), batch->labels)).backward();
      const at::NoGradGuard no_grad;
      for (const auto& [name, weight] : network.parameters()) {
        weight.sub_(weight.grad(), 0.05);  // The learning rate.
        weight.grad().zero_();
      }
    }
  }
}

}  // namespace

int main() {
  const auto data = morph::open_data("synthetic?input=3x12x12&train=512&test=256");
  const auto scale = morph::measure_normalization(*data.train);
  morph::Loader batches(data.train, {.batch_size = 16, .shuffle = true, .normalization = scale});
  const morph::Graph seed = morph::zoo::build("resnet8?input=3x12x12");
  morph::GraphModule network(seed, morph::initial_params(seed, /*seed=*/0));

  // 1. Choose what channels are charged for: FLOPs here. The strength is the price of one FLOP in
  //    units of the loss: begin near 1 / FLOPs of the network, and double it until enough goes.
  morph::NetworkRegularizer regularizer(network, {"flops"});
  regularizer.set_strengths({3e-6});

  // 2. Train with the regularizer added to the loss.
  train(network, batches, 8, [&](const at::Tensor& loss) { return loss + regularizer.term(); });

  // 3. Export the structure: which channels of each layer are alive. `morphnet shrink` reads it.
  const morph::Structure structure = regularizer.structure();
  morph::write_file("structure.json", morph::to_json(structure).dump(1) + "\n");

  // 4. Build the smaller network, with the weights its channels have, and train it on its own.
  const std::vector<bool> alive = morph::alive_sets(seed, regularizer.groups(), structure);
  const morph::Cut cut = morph::cut_channels(seed, network.params(), regularizer.groups(), alive);
  morph::GraphModule smaller(cut.graph, cut.params);
  train(smaller, batches, 4, [](const at::Tensor& loss) { return loss; });

  const double before = morph::network_cost(seed, morph::Flops());
  const double after = morph::network_cost(cut.graph, morph::Flops());
  std::cout << "seed:    " << before << " FLOPs, top-1 "
            << morph::evaluate(network, *data.test, scale).top1 << " %\nlearned: " << after
            << " FLOPs, top-1 " << morph::evaluate(smaller, *data.test, scale).top1
            << " %\nmasked and cut network differ by " << cut.equivalence << "\n";
  return after < before && cut.equivalence < 1e-5 ? 0 : 1;
}
