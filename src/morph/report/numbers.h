#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace morph {

/// With `digits` decimals, the same in every locale, with a true minus sign: "−0.30". "–" if not
/// finite.
std::string fixed(double value, int digits);

/// The same with a sign in any case: "+0.30", "−0.30", "±0.00".
std::string with_sign(double value, int digits);

/// A share as a person says it: 0.4772 → "0.477×".
std::string as_multiple(double share);

/// A share in percent: 0.4772 → "47.7 %".
std::string as_percent(double share);

/// A whole number in groups of three: "81,579,520"; one with a fraction keeps four digits.
std::string exact_count(double value);

/// Four significant digits and a suffix ("81.58 M"); "–" if not finite.
std::string short_count(double value);

/// The same with its unit, where "ns" and "bytes" grow into larger units: "4.75 ms", "93.55 MB",
/// "81.63 M FLOPs".
std::string with_unit(double value, std::string_view unit);

/// A small number in short scientific form: "3.1e-07".
std::string scientific(double value);

/// A duration: "48 s", "12 min 5 s", "3 h 20 min".
std::string duration(double seconds);

/// A coordinate of a drawing: at most two decimals, always a plain number, "0" if not finite.
std::string coordinate(double value);

/// A share as a coordinate: 0.25 → "25%".
std::string percent_coordinate(double share);

}  // namespace morph
