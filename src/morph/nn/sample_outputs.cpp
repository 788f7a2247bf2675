#include "morph/nn/sample_outputs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>

#include "morph/base/error.h"
#include "morph/nn/graph_module.h"

namespace morph {
namespace {

constexpr int64_t kSamples = 2;
constexpr uint64_t kSampleSeed = 20181;

double largest_magnitude(const at::Tensor& tensor) {
  return tensor.numel() == 0 ? 0 : tensor.abs().max().item<double>();
}

}  // namespace

Params to_double(const Params& params) {
  Params copies;
  for (const auto& [name, tensor] : params) {
    const at::Tensor source = tensor.detach().to(at::kCPU);
    copies[name] = source.is_floating_point() ? source.to(at::kDouble).clone() : source.clone();
  }
  return copies;
}

std::vector<at::Tensor> sample_inputs(const Graph& graph) {
  std::vector<at::Tensor> inputs;
  at::Generator generator = at::detail::createCPUGenerator(kSampleSeed);
  for (const NodeId id : graph.inputs()) {
    Shape shape = graph[id].shape;
    shape.front() = kSamples;
    inputs.push_back(at::randn(shape, generator, at::TensorOptions(at::kDouble)));
  }
  return inputs;
}

std::vector<at::Tensor> sample_outputs(const Graph& graph, const Params& params) {
  const at::NoGradGuard no_grad;
  GraphModule module(graph, to_double(params));
  module.set_training(false);
  return module.forward(sample_inputs(graph));
}

double relative_difference(const std::vector<at::Tensor>& expected,
                           const std::vector<at::Tensor>& actual) {
  double difference = 0;
  double scale = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double magnitude = largest_magnitude(expected[i]);
    if (!std::isfinite(magnitude)) {
      throw Error(
          "the network's output is not finite on random inputs: its weights are damaged, or "
          "training diverged");
    }
    const double apart = largest_magnitude(actual[i] - expected[i]);
    // std::max() would lose what is not a number.
    difference =
        std::isnan(apart) ? std::numeric_limits<double>::infinity() : std::max(difference, apart);
    scale = std::max(scale, magnitude);
  }
  return scale == 0 ? difference : difference / scale;
}

}  // namespace morph
