#include <array>
#include <cmath>
#include <string>

#include "temporary_folder.h"
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include "morph/checkpoint/safetensors.h"
#include "morph/checkpoint/weights_file.h"
#include "morph/nn/graph_module.h"
#include "morph/zoo/zoo.h"

namespace morph {
namespace {

constexpr int64_t kSide = 64;

/// What torchvision's network answers with the weights below.
struct Answer {
  const char* network;
  double largest;  ///< Of the absolute logits.
  std::array<double, 5> first;
};

std::ostream& operator<<(std::ostream& out, const Answer& answer) { return out << answer.network; }

/// The formula of bench/peers/torchvision_goldens.py.
double uniform(const std::string& name, int64_t element) {
  uint64_t start = 0;
  for (size_t k = 0; k < name.size(); ++k) {
    start += (k + 1) * static_cast<unsigned char>(name[k]);
  }
  const uint64_t mixed = static_cast<uint64_t>(element + 1) * 2654435761U + 40503U * start;
  return static_cast<double>(mixed % (uint64_t{1} << 32U)) / 4294967296.0;
}

template <typename Scale>
at::Tensor filled(const std::string& name, const Shape& shape, Scale scale) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  auto* data = tensor.mutable_data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    data[i] = static_cast<float>(scale(uniform(name, i)));
  }
  return tensor;
}

at::Tensor weights_of(const std::string& name, const Shape& shape) {
  if (shape.size() > 1) {
    const auto fan_in = static_cast<double>(element_count(shape) / shape.front());
    return filled(name, shape, [&](double u) { return (u - 0.5) * std::sqrt(24 / fan_in); });
  }
  if (name.ends_with(".weight") || name.ends_with(".running_var")) {
    return filled(name, shape, [](double u) { return 0.5 + u; });
  }
  return filled(name, shape, [](double u) { return (u - 0.5) / 4; });
}

class Torchvision : public ::testing::TestWithParam<Answer> {};

TEST_P(Torchvision, LogitsAreEqualWithItsWeights) {
  const Graph graph = zoo::build(std::string(GetParam().network) + "?input=3x64x64&stem=full");
  TensorFile checkpoint;
  for (const Node& node : graph.nodes()) {
    for (const auto& [slot, param] : node.params) {
      checkpoint.tensors[param.tensor] = weights_of(param.tensor, param.shape);
    }
  }
  const TemporaryFolder folder;
  write_safetensors(folder / "model.safetensors", checkpoint);
  GraphModule module(graph, read_weights(folder / "model.safetensors", graph));
  module.set_training(false);
  const at::NoGradGuard no_grad;
  const at::Tensor image =
      filled("input", {1, 3, kSide, kSide}, [](double u) { return static_cast<float>(u) - 0.5F; });
  const at::Tensor logits = module.forward(image);
  ASSERT_EQ(logits.numel(), 1000);
  const float* found = logits.const_data_ptr<float>();
  double largest = 0;
  for (int64_t i = 0; i < logits.numel(); ++i) {
    largest = std::max(largest, static_cast<double>(std::abs(found[i])));
  }
  EXPECT_NEAR(largest, GetParam().largest, 1e-4 * GetParam().largest);
  for (size_t i = 0; i < GetParam().first.size(); ++i) {
    EXPECT_NEAR(found[i], GetParam().first[i], 1e-4 * GetParam().largest) << i;
  }
}

// torch 2.15.0, torchvision 0.29.2, by bench/peers/torchvision_goldens.py.
INSTANTIATE_TEST_SUITE_P(
    Goldens,
    Torchvision,
    ::testing::Values(
        Answer{"resnet18", 14.1104, {2.65349, -1.49327, -3.43877, 12.7397, -6.76031}},
        Answer{"mobilenet_v3_small", 15.4745, {-6.02974, 4.91222, 1.30756, 3.16191, -7.37888}},
        Answer{"shufflenet_v2_x1_0", 67.1646, {48.9766, 23.2849, -0.994327, -19.1586, -21.6246}}),
    [](const auto& tested) { return std::string(tested.param.network); });

}  // namespace
}  // namespace morph
