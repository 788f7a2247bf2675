#include "morph/nn/device.h"

#include "expect_error.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/base/error.h"

namespace morph {
namespace {

TEST(OpenDevice, CpuIsAlwaysThere) { EXPECT_TRUE(open_device("cpu").is_cpu()); }

TEST(OpenDevice, UnknownNamesAreRefused) {
  EXPECT_ERROR(open_device("gpu"), "device 'gpu' is unknown; there are cpu, cuda and cuda:N");
  EXPECT_ERROR(open_device("cuda:x"), "cuda:x");
  EXPECT_ERROR(open_device("cuda:-1"), "no such GPU");
  EXPECT_ERROR(open_device("cuda:900"), "no such GPU");
}

TEST(OpenDevice, CudaOpensOrSaysWhatIsMissing) {
  try {
    const c10::Device device = open_device("cuda");
    EXPECT_TRUE(device.is_cuda());
    EXPECT_EQ(device.index(), 0);
    EXPECT_FALSE(cuda_runtime(device).device_name().empty());
    EXPECT_GE(cuda_runtime(device).peak_memory_bytes(), 0);
  } catch (const Error& error) {
    // Which remedy depends on the machine; that one is named does not.
    EXPECT_THAT(error.what(),
                testing::AnyOf(testing::HasSubstr("was not built"),
                               testing::HasSubstr("pip install torch"),
                               testing::HasSubstr("no GPU is visible")));
  }
}

TEST(ExplainLoadFailure, LibraryNotBuilt) {
  const std::string text = explain_load_failure(
      "libmorph_cuda.so",
      "libmorph_cuda.so: cannot open shared object file: No such file or directory");
  EXPECT_THAT(text, testing::HasSubstr("libmorph_cuda.so was not built"));
  EXPECT_THAT(text, testing::HasSubstr("nvcc"));
}

TEST(ExplainLoadFailure, DependencyMissing) {
  const std::string text = explain_load_failure(
      "libmorph_cuda.so",
      "libcudnn.so.9: cannot open shared object file: No such file or directory");
  EXPECT_THAT(text, testing::HasSubstr("libcudnn.so.9 is missing"));
  EXPECT_THAT(text, testing::HasSubstr("pip install torch"));
}

TEST(ExplainLoadFailure, AnythingElseIsPassedOn) {
  EXPECT_THAT(explain_load_failure("a.so", "a.so: invalid ELF header"),
              testing::HasSubstr("a.so does not load: a.so: invalid ELF header"));
}

}  // namespace
}  // namespace morph
