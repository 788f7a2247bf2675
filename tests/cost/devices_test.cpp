#include "morph/cost/devices.h"

#include <filesystem>
#include <set>
#include <string>

#include "expect_error.h"
#include <gtest/gtest.h>

#include "morph/base/file.h"

namespace morph {
namespace {

TEST(Devices, HoldTheOriginalsNumbers) {
  EXPECT_EQ(find_device("K80"), (Roofline{8740, 480}));
  EXPECT_EQ(find_device("P4"), (Roofline{5500, 192}));
  EXPECT_EQ(find_device("T4"), (Roofline{8100, 300}));
  EXPECT_EQ(find_device("P100"), (Roofline{9300, 732}));
  EXPECT_EQ(find_device("V100"), (Roofline{125000, 900}));
  EXPECT_EQ(find_device("TPUv2"), (Roofline{22500, 300}));
  EXPECT_EQ(find_device("FLOP_LATENCY"), (Roofline{1, 1e20}));
  EXPECT_EQ(find_device("MEMORY_LATENCY"), (Roofline{1e20, 1}));
}

TEST(Devices, AreListedOnceWithNumbersAndSource) {
  std::set<std::string_view> names;
  for (const Device& device : devices()) {
    EXPECT_TRUE(names.insert(device.name).second) << device.name;
    EXPECT_GT(device.roofline.peak_gflops, 0);
    EXPECT_GT(device.roofline.bandwidth_gbs, 0);
    EXPECT_FALSE(device.source.empty());
    EXPECT_EQ(find_device(device.name), device.roofline);
  }
  for (const char* name : {"A100", "H100", "H200", "L4", "Orin", "RTX4090"}) {
    EXPECT_EQ(names.count(name), 1U) << name;
  }
}

TEST(Devices, MayBeStated) {
  EXPECT_EQ(find_device("peak=9300,bandwidth=732"), (Roofline{9300, 732}));
  EXPECT_EQ(find_device("bandwidth=732G,peak=9.3T"), (Roofline{9300, 732}));
  EXPECT_EQ(find_device("peak=500M,bandwidth=1e3"), (Roofline{0.5, 1000}));
}

TEST(Devices, StatedWrongly) {
  EXPECT_ERROR(find_device("peak=1"), "device 'peak=1': peak and bandwidth must be finite");
  EXPECT_ERROR(find_device("peak=0,bandwidth=1"), "must be finite and above 0");
  EXPECT_ERROR(find_device("peak=-1,bandwidth=1"), "must be finite and above 0");
  EXPECT_ERROR(find_device("peak=inf,bandwidth=1"), "must be finite and above 0");
  EXPECT_ERROR(find_device("peak=1,bandwith=1"), "expected peak=GFLOP/S,bandwidth=GB/S");
  EXPECT_ERROR(find_device("peak=1,peak=1"), "expected peak=GFLOP/S,bandwidth=GB/S");
  EXPECT_ERROR(find_device("peak=fast,bandwidth=1"), "peak: expected a");
}

TEST(Devices, UnknownOnesAreListed) {
  EXPECT_ERROR(find_device("V10"), "unknown device 'V10'; known: K80, ");
  EXPECT_ERROR(find_device("V10"), "or a file X.json. Did you mean 'V100'?");
}

TEST(Devices, MayBeReadFromAFile) {
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / "morph_devices";
  const std::string path = (folder / "mine.json").string();
  write_file(path, R"({"peak_gflops": 40000, "bandwidth_gbs": 120.5})");
  EXPECT_EQ(find_device(path), (Roofline{40000, 120.5}));
  write_file(path, R"({"peak_gflops": 40000})");
  EXPECT_ERROR(find_device(path), "expected {\"peak_gflops\": P, \"bandwidth_gbs\": B}");
  write_file(path, "peak");
  EXPECT_ERROR(find_device(path), path);
  EXPECT_ERROR(find_device((folder / "nothing.json").string()), "nothing.json");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace morph
