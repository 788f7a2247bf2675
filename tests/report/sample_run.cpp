#include "sample_run.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "morph/base/error.h"
#include "morph/base/random.h"

namespace morph {
namespace {

/// A convolution of width `out` over `in` channels on a map of `size` by `size`.
std::map<std::string, double> price(int64_t in, int64_t out, int64_t size) {
  const auto pairs = static_cast<double>(9 * in * out);
  const auto area = static_cast<double>(size * size);
  return {{"flops", 2 * pairs * area},
          {"params", pairs + static_cast<double>(2 * out)},
          {"activations", static_cast<double>(out) * area}};
}

LayerFigures layer_at(int64_t index, int64_t layers, Random& random) {
  const int64_t stage = std::min<int64_t>(3, 4 * index / layers);
  LayerFigures layer;
  layer.name = index == 0 ? "stem.conv"
                          : cat("stage", stage + 1, ".block", index / 2, ".conv", 1 + index % 2);
  layer.op = "Conv";
  layer.seed_width = int64_t{16} << stage;
  if (index % 2 == 0) layer.group = cat("stream", stage + 1);
  const double kept = 0.4 + 0.14 * static_cast<double>(stage) + 0.15 * random.uniform();
  layer.learned_width =
      std::clamp<int64_t>(std::llround(kept * static_cast<double>(16 << stage)), 1, 16 << stage);
  layer.removed = index > 2 && index % 8 == 5;
  if (layer.removed) layer.learned_width = 0;
  layer.expanded_width = std::llround(1.42 * static_cast<double>(layer.learned_width));
  const int64_t in = index == 0 ? 3 : layer.seed_width;
  layer.seed_cost = price(in, layer.seed_width, 32 >> stage);
  layer.learned_cost =
      price(index == 0 ? 3 : layer.learned_width, layer.learned_width, 32 >> stage);
  return layer;
}

LayerFigures last_layer() {
  LayerFigures layer;
  layer.name = "classifier";
  layer.op = "Gemm";
  layer.seed_width = layer.learned_width = 10;
  layer.expanded_width = 10;
  layer.pinned = "its channels are the outputs of the network";
  layer.seed_cost = {{"flops", 2560}, {"params", 1290}, {"activations", 10}};
  layer.learned_cost = {{"flops", 1260}, {"params", 640}, {"activations", 10}};
  return layer;
}

Phase phase_of(const std::string& name, int64_t epochs, double from, double to) {
  Phase phase;
  phase.name = name;
  for (int64_t i = 1; i <= epochs; ++i) {
    const double progress = static_cast<double>(i) / static_cast<double>(epochs);
    EpochFigures epoch;
    epoch.epoch = i;
    epoch.loss = from + (to - from) * std::sqrt(progress) + 0.02 * std::sin(7.0 * progress);
    epoch.test_loss = epoch.loss + 0.08;
    epoch.test_top1 = 100 * std::exp(-0.5 * *epoch.test_loss);
    epoch.learning_rate = 0.05 * (1 + std::cos(3.14159 * progress));
    phase.epochs.push_back(epoch);
  }
  return phase;
}

/// A hundred gates that fall apart into two heaps.
GateHistogram gates_at(double progress) {
  GateHistogram gates{.lowest = 1e-3, .per_decade = 2, .counts = std::vector<int64_t>(8, 0)};
  const auto dead = std::llround(50 * progress);
  gates.counts[5] = 100 - dead;
  gates.counts[static_cast<size_t>(std::llround(5 - 5 * progress))] += dead;
  return gates;
}

/// A residual block whose branch was removed, after a stem and before a classifier.
std::vector<OperatorFigures> sample_graph() {
  const auto layer = [](const char* name, const char* op, std::vector<int64_t> inputs) {
    return OperatorFigures{.name = name,
                           .op = op,
                           .detail = "3×3",
                           .inputs = std::move(inputs),
                           .seed_width = 16,
                           .learned_width = 9,
                           .has_weights = true};
  };
  const auto plain = [&](const char* name, const char* op, std::vector<int64_t> inputs) {
    OperatorFigures figures = layer(name, op, std::move(inputs));
    figures.has_weights = false;
    figures.detail = "";
    return figures;
  };
  std::vector<OperatorFigures> graph = {plain("input", "Input", {}),
                                        layer("stem.conv", "Conv", {0}),
                                        plain("stem.relu", "Relu", {1}),
                                        layer("block.conv1", "Conv", {2}),
                                        plain("block.relu1", "Relu", {3}),
                                        layer("block.conv2", "Conv", {4}),
                                        plain("block.sum", "Add", {5, 2}),
                                        layer("classifier", "Gemm", {6})};
  for (const size_t gone : {3, 4, 5, 6}) {
    graph[gone].removed = true;
    graph[gone].learned_width = 0;
  }
  return graph;
}

void follow_cost(Phase& phase) {
  phase.budget = {{"flops", 0.5}};
  for (EpochFigures& epoch : phase.epochs) {
    const double progress =
        static_cast<double>(epoch.epoch) / static_cast<double>(phase.epochs.size());
    const double share = 1 - 0.51 * std::min(1.0, progress / 0.7);
    epoch.cost = {{"flops", share}, {"params", 0.2 + 0.8 * share}};
    epoch.strength = {{"flops", 0.1 * std::exp(2.7 * progress)}};
    epoch.target = {{"flops", 1 - 0.5 * std::min(1.0, progress / 0.7)}};
    epoch.gates = gates_at(progress);
  }
}

std::map<std::string, double> total(const RunReport& run,
                                    std::map<std::string, double> LayerFigures::*cost) {
  std::map<std::string, double> sum;
  for (const LayerFigures& layer : run.layers) {
    for (const auto& [resource, value] : layer.*cost) sum[resource] += value;
  }
  return sum;
}

/// The seed scaled to about `scale` of its cost.
NetworkFigures scaled(const NetworkFigures& seed, double scale) {
  NetworkFigures figures;
  for (const auto& [resource, value] : seed.costs) {
    figures.costs[resource] =
        std::round(value * (resource == "activations" ? std::sqrt(scale) : scale));
  }
  return figures;
}

void add_network(RunReport& run, NetworkFigures figures, double top1, int64_t epochs) {
  figures.top1 = top1;
  figures.epochs = epochs;
  run.networks.push_back(std::move(figures));
}

void add_networks(RunReport& run) {
  NetworkFigures seed;
  seed.name = "seed";
  seed.costs = total(run, &LayerFigures::seed_cost);
  NetworkFigures learned;
  learned.name = "learned";
  learned.costs = total(run, &LayerFigures::learned_cost);
  learned.note = "weights inherited";
  NetworkFigures scratch = learned;
  scratch.name = "from scratch";
  scratch.note = "the learned widths, new weights";
  NetworkFigures uniform = scaled(seed, learned.costs["flops"] / seed.costs["flops"]);
  uniform.name = "uniform";
  uniform.note = "width multiplier 0.695";
  NetworkFigures expanded = scaled(seed, 0.9986);
  expanded.name = "expanded";
  expanded.note = "width multiplier 1.42";
  add_network(run, seed, 87.93, 60);
  add_network(run, learned, 87.81, 90);
  add_network(run, scratch, 87.26, 60);
  add_network(run, uniform, 86.42, 60);
  add_network(run, expanded, 88.57, 60);
}

}  // namespace

RunReport sample_run(int64_t layers) {
  RunReport run;
  run.title = cat("resnet", layers - 1, " on the colour pack");
  run.command =
      "morphnet learn 'zoo:resnet20?classes=10' --data folder:data/colour --budget flops=0.5x "
      "--expand flops=1.0x --epochs 30 --retrain-epochs 60 --inherit --device cuda --seed 1 --out "
      "runs/colour";
  run.started = "2026-11-22T09:30:00Z";
  run.seconds = 754;
  run.device = "CUDA: NVIDIA H200";
  run.data = "folder:data/colour (8,000 training, 2,000 test images, 3x32x32)";
  run.budget = "flops=0.5x";
  run.graph = sample_graph();
  run.threshold = 0.02;
  run.versions = {{"morphnet", "0.1.0"}, {"libtorch", "2.11.0"}, {"compiler", "g++ 12.2"}};
  run.settings = {{"batch_size", "128"},
                  {"learning_rate", "0.1"},
                  {"momentum", "0.9"},
                  {"weight_decay", "5e-4"},
                  {"seed", "1"},
                  {"threshold", "0.0371"}};
  Random random(7);
  for (int64_t i = 0; i + 1 < layers; ++i) run.layers.push_back(layer_at(i, layers, random));
  run.layers.push_back(last_layer());
  add_networks(run);
  run.phases = {phase_of("seed training", 60, 1.7, 0.25),
                phase_of("structure", 30, 0.5, 0.35),
                phase_of("retraining", 60, 0.6, 0.24)};
  follow_cost(run.phases[1]);
  run.pinned = {{"classifier", "its channels are the outputs of the network"},
                {"image", "its channels are the input of the network"}};
  run.notes = {"stage4.block3.conv2 would leave the network cut through; one channel was kept."};
  run.equivalence = 3.1e-7;
  return run;
}

}  // namespace morph
