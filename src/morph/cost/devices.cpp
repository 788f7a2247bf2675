#include "morph/cost/devices.h"

#include <array>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/base/strings.h"

namespace morph {
namespace {

constexpr std::string_view kOriginal = "morph-net's own table";

// Tensor cores are listed without sparsity, which data sheets that quote it count twice.
constexpr std::array kDevices = {
    Device{"K80", {8740, 480}, kOriginal},
    Device{"P4", {5500, 192}, kOriginal},
    Device{"T4", {8100, 300}, kOriginal},
    Device{"P100", {9300, 732}, kOriginal},
    Device{"V100", {125000, 900}, kOriginal},
    Device{"TPUv2", {22500, 300}, kOriginal},
    Device{"FLOP_LATENCY", {1, 1e20}, kOriginal},
    Device{"MEMORY_LATENCY", {1e20, 1}, kOriginal},
    Device{"A100",
           {312000, 2039},
           "NVIDIA A100 data sheet, 80 GB SXM: BF16 tensor cores 312 TFLOPS, 2039 GB/s"},
    Device{"H100",
           {989500, 3350},
           "NVIDIA H100 data sheet, SXM: BF16 tensor cores 1979 TFLOPS with sparsity, 3.35 TB/s"},
    Device{"H200",
           {989500, 4800},
           "NVIDIA H200 data sheet, SXM: BF16 tensor cores 1979 TFLOPS with sparsity, 4.8 TB/s"},
    Device{"L4",
           {121000, 300},
           "NVIDIA L4 data sheet: FP16 tensor cores 242 TFLOPS with sparsity, 300 GB/s"},
    Device{"RTX4090",
           {165200, 1008},
           "NVIDIA Ada GPU architecture white paper, GeForce RTX 4090: FP16 tensor cores with FP32 "
           "accumulation 165.2 TFLOPS, 1008 GB/s"},
    Device{"Orin",
           {42500, 204.8},
           "NVIDIA Jetson AGX Orin technical brief, 64 GB, GPU alone: 170 TOPS INT8 with sparsity, "
           "so 42.5 TFLOPS FP16 without; 204.8 GB/s"},
    Device{"Ryzen-7950X",
           {2304, 83.2},
           "AMD Ryzen 9 7950X product page: 16 cores at 4.5 GHz base times 32 FP32 FLOP a cycle "
           "(Zen 4, two 256-bit FMA); two channels DDR5-5200"},
    Device{"EPYC-9654",
           {7372.8, 460.8},
           "AMD EPYC 9654 product page: 96 cores at 2.4 GHz base times 32 FP32 FLOP a cycle "
           "(Zen 4, two 256-bit FMA); twelve channels DDR5-4800, 460.8 GB/s"},
    Device{"A17-Pro",
           {35000, 51.2},
           "Apple A17 Pro announcement, Neural Engine: 35 TOPS at 8 bits (use --element-size 1); "
           "64 bits of LPDDR5-6400"},
};

/// In 10⁹ a second: as it stands, or in units where a suffix says so.
double rate(std::string_view text, const std::string& what) {
  const bool has_suffix =
      !text.empty() && std::isalpha(static_cast<unsigned char>(text.back())) != 0;
  return has_suffix ? parse_count(text, what) / 1e9 : parse_double(text, what);
}

Roofline checked(const Roofline& roofline, std::string_view device) {
  const auto is_rate = [](double value) { return std::isfinite(value) && value > 0; };
  if (is_rate(roofline.peak_gflops) && is_rate(roofline.bandwidth_gbs)) return roofline;
  throw Error(cat("device '", device, "': peak and bandwidth must be finite and above 0"));
}

Roofline stated_device(std::string_view device) {
  Roofline roofline;
  for (const std::string& part : split(device, ',')) {
    const size_t equals = part.find('=');
    const std::string key = part.substr(0, equals);
    double& value = key == "peak" ? roofline.peak_gflops : roofline.bandwidth_gbs;
    if ((key != "peak" && key != "bandwidth") || equals == std::string::npos || value != 0) {
      throw Error(cat("device '",
                      device,
                      "': expected peak=GFLOP/S,bandwidth=GB/S, such as peak=9300,bandwidth=732 or "
                      "peak=9.3T,bandwidth=732G"));
    }
    value = rate(std::string_view(part).substr(equals + 1), cat("device '", device, "': ", key));
  }
  return checked(roofline, device);
}

Roofline device_in_file(std::string_view path) {
  const std::string text = read_file(std::filesystem::path(path));
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    return checked({.peak_gflops = json.at("peak_gflops").get<double>(),
                    .bandwidth_gbs = json.at("bandwidth_gbs").get<double>()},
                   path);
  } catch (const nlohmann::json::exception& e) {
    throw Error(cat("device file '",
                    path,
                    "': expected {\"peak_gflops\": P, \"bandwidth_gbs\": B}: ",
                    e.what()));
  }
}

}  // namespace

std::span<const Device> devices() { return kDevices; }

Roofline find_device(std::string_view device) {
  for (const Device& known : kDevices) {
    if (known.name == device) return known.roofline;
  }
  if (device.find('=') != std::string_view::npos) return stated_device(device);
  if (std::filesystem::path(device).extension() == ".json") return device_in_file(device);
  std::vector<std::string> names;
  for (const Device& known : kDevices) names.emplace_back(known.name);
  throw Error(cat("unknown device '",
                  device,
                  "'; known: ",
                  join(names, ", "),
                  ", peak=GFLOP/S,bandwidth=GB/S, or a file X.json.",
                  did_you_mean(device, names)));
}

}  // namespace morph
