#include "morph/onnx/array.h"

#include <cmath>
#include <limits>

#include "expect_error.h"
#include <gtest/gtest.h>

namespace morph::onnx {
namespace {

using Doubles = std::vector<double>;

std::string packed(const Doubles& values, DataType type) {
  return to_bytes(std::span<const double>(values), type);
}

Doubles unpacked(const std::string& bytes, DataType type) {
  return to_doubles({.type = type, .bytes = bytes});
}

TEST(Array, HalfPrecisionFollowsIeee754) {
  // Bits from the standard: 1, -2, the largest, the smallest subnormal, 1/3 rounded to nearest.
  const std::vector<int64_t> bits = {0x3C00, 0xC000, 0x7BFF, 0x0001, 0x3555};
  const std::string bytes = to_bytes(std::span<const int64_t>(bits), DataType::kUint16);
  const Doubles values = unpacked(bytes, DataType::kFloat16);
  EXPECT_EQ(values, (Doubles{1, -2, 65504, std::ldexp(1.0, -24), 0.333251953125}));
  EXPECT_EQ(packed(values, DataType::kFloat16), bytes);
  EXPECT_EQ(packed({1.0 / 3.0}, DataType::kFloat16), bytes.substr(8));
}

TEST(Array, EveryHalfSurvivesTheWayThroughDouble) {
  for (int64_t bits = 0; bits < 0x10000; ++bits) {
    if ((bits & 0x7C00) == 0x7C00 && (bits & 0x3FF) != 0) continue;  // Not a number.
    const std::vector<int64_t> one = {bits};
    const std::string bytes = to_bytes(std::span<const int64_t>(one), DataType::kUint16);
    ASSERT_EQ(packed(unpacked(bytes, DataType::kFloat16), DataType::kFloat16), bytes) << bits;
  }
}

TEST(Array, BfloatIsTheUpperHalfOfAFloat) {
  const std::vector<int64_t> bits = {0x3F80, 0xC040, 0x7F80};
  const std::string bytes = to_bytes(std::span<const int64_t>(bits), DataType::kUint16);
  const Doubles values = unpacked(bytes, DataType::kBfloat16);
  EXPECT_EQ(values, (Doubles{1, -3, std::numeric_limits<double>::infinity()}));
  EXPECT_EQ(packed(values, DataType::kBfloat16), bytes);
}

TEST(Array, ConversionsAtTheEdgesAreDefined) {
  const Doubles values = {1e30, -1e30, std::nan(""), 300.7};
  const Doubles bytes = unpacked(packed(values, DataType::kUint8), DataType::kUint8);
  EXPECT_EQ(bytes, (Doubles{255, 0, 0, 255}));
  EXPECT_EQ(unpacked(packed({0, 2, -1}, DataType::kBool), DataType::kBool), (Doubles{0, 1, 1}));
}

TEST(Array, SizesAreChecked) {
  EXPECT_EQ(count_elements({2, 0, 5}), 0);
  EXPECT_EQ(count_elements({}), 1);
  EXPECT_ERROR(count_elements({2, -1}), "cannot have the shape [2, -1]");
  EXPECT_ERROR(count_elements({int64_t{1} << 40, int64_t{1} << 40}), "too many elements");
  const std::string bytes(12, '\0');
  check_array({.shape = {3}, .bytes = bytes}, "x");
  EXPECT_ERROR(check_array({.shape = {4}, .bytes = bytes}, "x"),
               "x: a tensor of float32 and shape [4] cannot have 12 bytes");
  EXPECT_ERROR(check_array({.type = static_cast<DataType>(17), .shape = {12}, .bytes = bytes}, "x"),
               "x: elements of type 17 cannot be computed with");
}

}  // namespace
}  // namespace morph::onnx
