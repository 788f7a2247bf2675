#pragma once

#include <optional>

#include <c10/core/Device.h>
#include <gtest/gtest.h>

#include "morph/base/error.h"
#include "morph/nn/device.h"

namespace morph::test {

/// The first GPU, where there is one.
inline std::optional<c10::Device> gpu() {
  try {
    return open_device("cuda");
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// LibTorch has to meet the CUDA library before it does anything else, so before the first test.
class GpuEnvironment : public testing::Environment {
 public:
  void SetUp() override { gpu(); }
};

inline const auto* const kGpuEnvironment = testing::AddGlobalTestEnvironment(new GpuEnvironment);

/// Tests that need a GPU; skipped where there is none.
class GpuTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!gpu()) GTEST_SKIP() << "no GPU, or no CUDA library";
  }
};

}  // namespace morph::test
