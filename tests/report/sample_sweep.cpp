#include "sample_sweep.h"

#include "morph/base/error.h"

namespace morph {
namespace {

struct Figures {
  double mflops;
  double params;
};

SweepRow row(const std::string& method, const std::string& budget, Figures cost) {
  return {.network = "resnet20",
          .method = method,
          .budget = budget,
          .costs = {{"flops", cost.mflops * 1e6}, {"params", cost.params}},
          .epochs = 60};
}

}  // namespace

SweepReport sample_sweep() {
  SweepReport sweep{
      .title = "resnet20 on cifar10",
      .command = "morphnet sweep zoo:resnet20 --data cifar10 --budgets flops=0.5x",
      .started = "2026-11-28T18:00:00Z",
      .device = "NVIDIA H100",
      .data = "cifar10",
      .versions = {{"morphnet", "0.1.0"}, {"libtorch", "2.15.0"}},
      .points = 13,
      .costs = {"flops"},
      .methods = {"seed", "morphnet", "uniform", "l1"},
      .layers = {{"conv1", 16},
                 {"layer1.0.conv1", 16},
                 {"layer2.0.conv1", 32},
                 {"layer2.0.conv2", 32},
                 {"layer3.0.conv1", 64}},
      .widths = {{"morphnet", "flops=0.5x", {4, 8, 0, 32, 32}},
                 {"morphnet", "flops=0.25x", {2, 1, 0, 16, 16}}},
      .failures = {
          {"l1 flops=0.5x, seed 0", "out of memory", "points/l1_flops=0.5x_seed0/log.txt"}}};
  sweep.rows.push_back(row("seed", "", {81.626368, 272474}));
  sweep.rows.back().top1 = 88;
  for (int64_t seed = 0; seed < 3; ++seed) {
    SweepRow half = row("morphnet", "flops=0.5x", {40, 130000});
    half.top1 = 86 + static_cast<double>(seed);
    SweepRow quarter = row("morphnet", "flops=0.25x", {20, 60000});
    quarter.top1 = 85;
    SweepRow inherited = half;
    inherited.inherited = true;
    inherited.top1 += 0.5;
    for (SweepRow* each : {&half, &quarter, &inherited}) {
      each->seed = seed;
      sweep.rows.push_back(*each);
    }
  }
  sweep.rows.push_back(row("uniform", "flops=0.5x", {39, 132000}));
  sweep.rows.back().top1 = 86.2;
  sweep.rows.push_back(row("uniform", "flops=0.25x", {19, 64000}));
  sweep.rows.back().top1 = 84.1;
  for (SweepRow& each : sweep.rows) {
    each.folder = cat(
        "points/", each.method, each.budget.empty() ? "" : "_", each.budget, "_seed", each.seed);
  }
  return sweep;
}

}  // namespace morph
