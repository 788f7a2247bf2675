#include "morph/train/sgd.h"

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "train/fixtures.h"
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

namespace morph {
namespace {

constexpr const char* kOneWeight = R"(morph 1
network "one-weight"
input = Input() shape=[1, 1]
fc = Gemm(input; bias=[1], weight=[1, 1])
return fc
)";

struct OneWeight {
  OneWeight(const SgdOptions& options)
      : module(test::make_module(kOneWeight)),
        flat(module, at::MemoryFormat::Contiguous),
        sgd(flat, options) {
    flat.values().fill_(1);
  }

  void step(double gradient) {
    flat.grads().fill_(gradient);
    sgd.step(at::full({1}, rate));
  }

  double rate = 0.1;

  double value(const std::string& name) { return flat.view(flat.values(), name).item<float>(); }

  GraphModule module;
  FlatParameters flat;
  Sgd sgd;
};

TEST(Sgd, NesterovStepsByHand) {
  OneWeight one({.momentum = 0.9});
  one.step(0.5);  // v = 0.5; 1 - 0.1 * (0.5 + 0.9 * 0.5)
  EXPECT_NEAR(one.value("fc.weight"), 0.905, 1e-6);
  one.step(0.2);  // v = 0.45 + 0.2 = 0.65; 0.905 - 0.1 * (0.2 + 0.585)
  EXPECT_NEAR(one.value("fc.weight"), 0.8265, 1e-6);
  one.rate = 0.01;
  one.step(0.0);  // v = 0.585; 0.8265 - 0.01 * 0.5265
  EXPECT_NEAR(one.value("fc.weight"), 0.821235, 1e-6);
}

TEST(Sgd, DecayIsAddedToEveryGradient) {
  OneWeight one({.momentum = 0.9, .weight_decay = 0.1});
  one.step(0.5);  // g = 0.6, v = 0.6; 1 - 0.1 * (0.6 + 0.54)
  EXPECT_NEAR(one.value("fc.weight"), 0.886, 1e-6);
  EXPECT_NEAR(one.value("fc.bias"), 0.886, 1e-6);
}

TEST(Sgd, LeavesTheScalesOutIfToldTo) {
  GraphModule module = test::make_module(test::kTinyNetwork);
  FlatParameters flat(module, at::MemoryFormat::Contiguous);
  Sgd sgd(flat, {.momentum = 0, .weight_decay = 0.5, .decay_scales = false});
  flat.values().fill_(1);
  sgd.step(at::full({1}, 0.1));  // No gradient but that of the decay: 1 - 0.1 * 0.5.
  for (const char* name : {"bn1.weight", "bn2.weight"}) {
    EXPECT_EQ(flat.view(flat.values(), name).max().item<float>(), 1) << name;
  }
  for (const char* name : {"bn1.bias", "conv1.weight", "fc.bias", "fc.weight"}) {
    EXPECT_NEAR(flat.view(flat.values(), name).max().item<float>(), 0.95, 1e-6) << name;
  }
}

TEST(Sgd, WithoutMomentumIsPlainDescent) {
  OneWeight one({.momentum = 0});
  one.step(0.5);
  one.step(0.5);
  EXPECT_NEAR(one.value("fc.weight"), 0.9, 1e-6);
}

/// One tensor's values and momentum, stepped in double precision number by number.
struct Reference {
  std::vector<double> values;
  std::vector<double> velocity;

  void step(const at::Tensor& gradient, double rate, double decay) {
    const at::Tensor flat = gradient.contiguous().flatten();
    for (size_t i = 0; i < values.size(); ++i) {
      const double g = flat.const_data_ptr<float>()[i] + decay * values[i];
      velocity[i] = 0.9 * velocity[i] + g;
      values[i] -= rate * (g + 0.9 * velocity[i]);
    }
  }
};

TEST(Sgd, AgreesWithALoopOverNumbersInBothMemoryOrders) {
  for (const at::MemoryFormat format :
       {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
    GraphModule module = test::make_module(test::kTinyNetwork);
    FlatParameters flat(module, format);
    Sgd sgd(flat, {.momentum = 0.9, .weight_decay = 0.01});
    std::map<std::string, Reference> references;
    for (const auto& [name, tensor] : module.parameters()) {
      const at::Tensor value = tensor.detach().contiguous();
      const float* begin = value.const_data_ptr<float>();
      references[name] = {.values = {begin, begin + value.numel()},
                          .velocity = std::vector<double>(static_cast<size_t>(value.numel()))};
    }
    for (int step = 0; step < 4; ++step) {
      const double rate = 0.1 / (1 + step);
      flat.zero_grads();
      for (const auto& [name, tensor] : module.parameters()) {
        const at::Tensor gradient = at::randn(tensor.sizes());
        tensor.grad().add_(gradient);
        references[name].step(gradient, rate, 0.01);
      }
      sgd.step(at::full({1}, rate));
    }
    for (const auto& [name, tensor] : module.parameters()) {
      const at::Tensor value = tensor.detach().contiguous().flatten();
      for (size_t i = 0; i < references[name].values.size(); ++i) {
        // Four steps in float against double, on numbers of about 1.
        EXPECT_NEAR(value.const_data_ptr<float>()[i], references[name].values[i], 2e-6)
            << name << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace morph
