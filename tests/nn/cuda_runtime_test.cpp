#include "expect_error.h"
#include "gpu.h"
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/nn/device.h"

namespace morph {
namespace {

/// Least squares by gradient descent: w ← w − rate · ∇ Σ (w·x − 1)².
struct Fit {
  explicit Fit(c10::Device device)
      : x(at::linspace(0.5, 1.5, 8).to(device)),
        w(at::full({8}, 0.25).to(device).requires_grad_(true)),
        rate(at::full({}, 0.1).to(device)) {
    w.mutable_grad() = at::full({8}, 0.0).to(device);
  }

  void step() {
    w.mutable_grad().zero_();
    w.mul(x).sub(1).square().sum().backward();
    const at::NoGradGuard no_grad;
    w.sub_(rate.mul(w.grad()));
  }

  at::Tensor x;
  at::Tensor w;
  at::Tensor rate;
};

using CudaRuntimeTest = test::GpuTest;

TEST_F(CudaRuntimeTest, AReplayedStepComputesWhatTheStepDoes) {
  CudaRuntime& cuda = cuda_runtime(*test::gpu());
  Fit recorded(*test::gpu());
  const auto step = [&recorded] { recorded.step(); };
  for (int i = 0; i < 3; ++i) cuda.warm_up(step);
  const auto captured = cuda.capture(step);
  for (int i = 0; i < 5; ++i) captured->replay();
  cuda.synchronize();

  Fit eager(c10::Device(c10::kCPU));
  for (int i = 0; i < 3 + 5; ++i) eager.step();
  // Eight steps of a handful of float operations each on numbers near 1.
  EXPECT_LT(recorded.w.cpu().sub(eager.w).abs().max().item<float>(), 1e-5F);
}

TEST_F(CudaRuntimeTest, AReplayReadsTensorsAsTheyAreThen) {
  CudaRuntime& cuda = cuda_runtime(*test::gpu());
  Fit fit(*test::gpu());
  const auto step = [&fit] { fit.step(); };
  for (int i = 0; i < 3; ++i) cuda.warm_up(step);
  const auto captured = cuda.capture(step);
  fit.rate.zero_();
  const at::Tensor before = fit.w.detach().clone();
  captured->replay();
  cuda.synchronize();
  EXPECT_TRUE(before.equal(fit.w));
}

TEST_F(CudaRuntimeTest, AStepThatWaitsIsRefusedAndTheDeviceStaysUsable) {
  CudaRuntime& cuda = cuda_runtime(*test::gpu());
  Fit fit(*test::gpu());
  EXPECT_ERROR(cuda.capture([&fit] { static_cast<void>(fit.w.sum().item<float>()); }),
               "recording a step as a CUDA graph");
  fit.step();
  cuda.synchronize();
  EXPECT_GT(fit.w.sum().item<float>(), 0);
}

TEST_F(CudaRuntimeTest, WhatARecordedStepDoesIsCounted) {
  CudaRuntime& cuda = cuda_runtime(*test::gpu());
  const at::Tensor from = at::full({100}, 2.0).to(*test::gpu());
  const at::Tensor to = from.clone();
  const at::Tensor host = at::full({100}, 0.0).pin_memory();
  const auto step = [&] {
    to.copy_(from);
    to.mul_(3);
    to.add_(1);
  };
  const auto captured = cuda.capture(step);
  EXPECT_EQ(captured->work().kernels, 2);
  EXPECT_EQ(captured->work().copies, 1);
  EXPECT_EQ(captured->work().copies_to_host, 0);

  const auto to_host = cuda.capture([&] { host.copy_(from, /*non_blocking=*/true); });
  EXPECT_EQ(to_host->work().copies_to_host, 1);
}

TEST_F(CudaRuntimeTest, MemoryIsCounted) {
  CudaRuntime& cuda = cuda_runtime(*test::gpu());
  const int64_t before = cuda.memory_in_use_bytes();
  const at::Tensor big = at::full({1 << 20}, 1.0).to(*test::gpu());
  EXPECT_GE(cuda.memory_in_use_bytes() - before, int64_t{4} << 20);
  EXPECT_GE(cuda.peak_memory_bytes(), cuda.memory_in_use_bytes());
}

}  // namespace
}  // namespace morph
