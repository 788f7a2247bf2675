#pragma once

#include <span>
#include <string_view>

namespace morph {

/// The two numbers by which the roofline model knows a device.
struct Roofline {
  double peak_gflops = 0;    ///< 10⁹ FLOP/s, a multiply-add being two.
  double bandwidth_gbs = 0;  ///< 10⁹ B/s to and from main memory.

  bool operator==(const Roofline&) const = default;
};

/// A device that is known by name.
struct Device {
  std::string_view name;
  Roofline roofline;
  std::string_view source;  ///< Where the numbers come from, and at which precision.
};

/// All of them: first the original's, under its names and with its numbers.
std::span<const Device> devices();

/// The device that stands behind "latency:": a name of devices(); "peak=P,bandwidth=B" in GFLOP/s
/// and GB/s, or with a suffix k, M, G, T in FLOP/s and B/s; or a file NAME.json that holds
/// {"peak_gflops": P, "bandwidth_gbs": B}. Throws Error saying what is known or what is wrong.
Roofline find_device(std::string_view device);

}  // namespace morph
