#include "morph/train/flat_parameters.h"

#include <map>

#include "gpu.h"
#include "train/fixtures.h"
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "morph/base/error.h"
#include "morph/nn/device.h"

namespace morph {
namespace {

std::map<std::string, at::Tensor> copies(const GraphModule& module) {
  std::map<std::string, at::Tensor> values;
  for (const auto& [name, tensor] : module.parameters()) values[name] = tensor.detach().clone();
  return values;
}

std::map<std::string, at::Tensor> gradients(const GraphModule& module) {
  std::map<std::string, at::Tensor> values;
  for (const auto& [name, tensor] : module.parameters()) {
    values[name] = tensor.grad().detach().clone();
  }
  return values;
}

TEST(FlatParameters, ScalesComeFirstAndAllIsAligned) {
  GraphModule module = test::make_module(test::kTinyNetwork);
  const FlatParameters flat(module, at::MemoryFormat::Contiguous);
  EXPECT_EQ(flat.slices().at("bn1.weight").offset, 0);
  EXPECT_EQ(flat.slices().at("bn2.weight").offset, 16);
  EXPECT_EQ(flat.scales().numel(), 16 + 20);
  EXPECT_EQ(flat.slices().size(), module.parameters().size());
  for (const auto& [name, slice] : flat.slices()) {
    EXPECT_EQ(slice.offset % 16, 0) << name;
    EXPECT_EQ(slice.offset < 36, name.starts_with("bn") && name.ends_with("weight")) << name;
  }
}

TEST(FlatParameters, KeepsTheValuesAndSharesThem) {
  for (const at::MemoryFormat format :
       {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
    GraphModule module = test::make_module(test::kTinyNetwork);
    const auto before = copies(module);
    const FlatParameters flat(module, format);
    for (const auto& [name, tensor] : module.parameters()) {
      EXPECT_TRUE(at::equal(tensor, before.at(name))) << name;
      EXPECT_TRUE(tensor.requires_grad()) << name;
      EXPECT_TRUE(at::equal(flat.view(flat.values(), name), before.at(name))) << name;
    }
    flat.values().fill_(3);
    const NodeId conv2 = *module.graph().find("conv2");
    EXPECT_EQ(module.param(conv2, "weight").min().item<float>(), 3);
    EXPECT_EQ(module.params().at("fc.bias").min().item<float>(), 3);
    EXPECT_EQ(image_format(module), format);
  }
}

/// Runs `steps` steps and expects each parameter's gradient to stay a view of the buffer.
void expect_gradients_stay(c10::Device device, at::MemoryFormat format, int steps) {
  GraphModule module = test::make_module(test::kTinyNetwork);
  module.to(device);
  FlatParameters flat(module, format);
  for (int step = 0; step < steps; ++step) {
    flat.zero_grads();
    module.forward(at::rand({4, 3, 12, 12}).to(device)).square().sum().backward();
    const c10::NoGradGuard no_grad;
    flat.values().add_(flat.grads(), -1e-4);
  }
  for (const auto& [name, tensor] : module.parameters()) {
    const at::Tensor grad = flat.view(flat.grads(), name);
    EXPECT_EQ(tensor.grad().data_ptr(), grad.data_ptr()) << name;
    EXPECT_EQ(tensor.data_ptr(), flat.view(flat.values(), name).data_ptr()) << name;
    EXPECT_EQ(tensor.grad().strides(), tensor.strides()) << name;
    EXPECT_GT(grad.abs().sum().item<float>(), 0) << name;
  }
}

TEST(FlatParameters, GradientsStayViewsOverManySteps) {
  expect_gradients_stay(at::kCPU, at::MemoryFormat::Contiguous, 50);
  expect_gradients_stay(at::kCPU, at::MemoryFormat::ChannelsLast, 50);
}

using FlatParametersOnGpu = test::GpuTest;

TEST_F(FlatParametersOnGpu, GradientsStayViewsOverManySteps) {
  expect_gradients_stay(*test::gpu(), at::MemoryFormat::ChannelsLast, 50);
}

TEST(FlatParameters, GradientsAreThoseOfSeparateTensors) {
  const at::Tensor images = at::rand({4, 3, 12, 12});
  GraphModule plain = test::make_module(test::kTinyNetwork);
  plain.set_training(false);
  plain.forward(images).square().sum().backward();
  const auto expected = gradients(plain);
  for (const at::MemoryFormat format :
       {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
    GraphModule module = test::make_module(test::kTinyNetwork);
    module.set_training(false);
    FlatParameters flat(module, format);
    module.forward(images).square().sum().backward();
    for (const auto& [name, grad] : gradients(module)) {
      // Another memory order sums in another order: rounding of float sums of a few hundred terms.
      EXPECT_TRUE(at::allclose(grad, expected.at(name), 1e-4, 1e-5)) << name;
    }
    flat.zero_grads();
    EXPECT_EQ(gradients(module).at("conv1.weight").abs().sum().item<float>(), 0);
  }
}

TEST(FlatParameters, SecondOneTakesOverTheModule) {
  GraphModule module = test::make_module(test::kTinyNetwork);
  const auto before = copies(module);
  const FlatParameters first(module, at::MemoryFormat::ChannelsLast);
  const FlatParameters second(module, at::MemoryFormat::Contiguous);
  first.values().zero_();
  for (const auto& [name, tensor] : module.parameters()) {
    EXPECT_TRUE(at::equal(tensor, before.at(name))) << name;
  }
  EXPECT_EQ(image_format(module), at::MemoryFormat::Contiguous);
}

}  // namespace
}  // namespace morph
