// The slopes of every cost through every kind of gate against difference quotients.

#include <algorithm>
#include <cmath>
#include <memory>

#include "gated.h"
#include "nn/run_text.h"
#include "random_graph.h"
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "morph/base/error.h"
#include "morph/base/random.h"
#include "morph/nn/fold_gates.h"
#include "morph/transform/insert_gates.h"

namespace morph {
namespace {

struct SlopesCase {
  std::string gate;
  std::string cost;
  Combination combination = Combination::kLargest;
  double l1_fraction = 0;
};

std::string name_of_case(const ::testing::TestParamInfo<SlopesCase>& info) {
  std::string name = cat(info.param.gate, "_", info.param.cost, "_");
  name += name_of(info.param.combination);
  if (info.param.l1_fraction > 0) name += "_l1";
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
  return name;
}

/// Numbers of size about 1, none near 0, so that no gate changes its sign within a step.
at::Tensor random_values(const at::Tensor& like, Random& random) {
  at::Tensor values = at::zeros(like.sizes(), at::kDouble);
  double* data = values.mutable_data_ptr<double>();
  for (int64_t i = 0; i < values.numel(); ++i) {
    data[i] = (random.chance(0.5) ? 1 : -1) * (0.1 + random.uniform());
  }
  return values;
}

std::unique_ptr<GraphModule> random_module(const SlopesCase& test, uint64_t seed) {
  at::set_num_threads(1);
  Graph graph = random_graph(seed);
  if (test.gate == "logistic-sigmoid") {
    try {
      graph = insert_gates(graph, {.layers = InsertGatesOptions::Layers::kAll});
    } catch (const Error&) {
      return nullptr;
    }
  }
  Random random(seed);
  Params params = random_double_params(graph, random);
  for (auto& [name, tensor] : params) tensor = random_values(tensor, random);
  return std::make_unique<GraphModule>(std::move(graph), std::move(params));
}

class Slopes : public ::testing::TestWithParam<SlopesCase> {
 protected:
  /// Nothing if the network has no such gate.
  std::unique_ptr<NetworkRegularizer> regularizer(const GraphModule& module) const {
    // Random gates are nowhere near this by chance, so no step switches a channel.
    const RegularizerOptions options{.threshold = 0.4142135,
                                     .gate = GetParam().gate,
                                     .l1_fraction = GetParam().l1_fraction,
                                     .combination = GetParam().combination};
    try {
      return std::make_unique<NetworkRegularizer>(module, std::vector{GetParam().cost}, options);
    } catch (const Error&) {
      return nullptr;
    }
  }
};

/// A step h leaves an error of h² times the third derivative, 1e-8 here, and one of 1e-16 / h of
/// the term by rounding.
constexpr double kStep = 1e-4;

TEST_P(Slopes, AreDifferenceQuotientsOfTheTerm) {
  int64_t checked = 0;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    const auto module = random_module(GetParam(), seed);
    const auto regularized = module ? regularizer(*module) : nullptr;
    if (!regularized) continue;
    regularized->set_strengths({0.5});
    drop_gradients(*module);
    regularized->accumulate_gradient();
    const double here = to_vector(regularized->term())[0];
    const at::NoGradGuard no_grad;
    for (const GateSite& site : regularized->sites()) {
      const at::Tensor& gate = module->params().at(site.tensor);
      const std::vector<double> slopes = gradient(*module, site.tensor);
      double* data = gate.mutable_data_ptr<double>();
      const size_t stride = std::max<size_t>(1, slopes.size() / 4);
      for (size_t i = 0; i < slopes.size(); i += stride, ++checked) {
        const double value = data[i];
        const auto term_at = [&](double at) {
          data[i] = at;
          return to_vector(regularized->term())[0];
        };
        const double quotient = (term_at(value + kStep) - term_at(value - kStep)) / (2 * kStep);
        data[i] = value;
        EXPECT_NEAR(slopes[i], quotient, 1e-6 * here) << site.tensor << " " << i;
      }
    }
  }
  EXPECT_GT(checked, 60);
}

std::vector<SlopesCase> all_cases() {
  std::vector<std::string> costs = cost_model_names();
  costs.emplace_back("latency:V100");
  std::vector<SlopesCase> cases;
  for (const char* gate : {"gamma", "group-lasso", "logistic-sigmoid"}) {
    for (const std::string& cost : costs) cases.push_back({.gate = gate, .cost = cost});
    cases.push_back({.gate = gate, .cost = "memory", .combination = Combination::kL2});
    cases.push_back({.gate = gate, .cost = "memory", .combination = Combination::kTotal});
  }
  cases.push_back({.gate = "group-lasso", .cost = "flops", .l1_fraction = 0.3});
  cases.push_back(
      {.gate = "logistic-sigmoid", .cost = "flops", .combination = Combination::kProbabilistic});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Gates, Slopes, ::testing::ValuesIn(all_cases()), name_of_case);

}  // namespace
}  // namespace morph
