#include "morph/onnx/array.h"

#include <cmath>
#include <fstream>
#include <limits>

#include "expect_error.h"
#include "temporary_folder.h"
#include <gtest/gtest.h>
#include <unistd.h>

#include "morph/base/file.h"

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

/// Pages of the process that are in memory.
int64_t resident_pages() {
  int64_t all = 0;
  int64_t resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident;
}

TEST(Storage, WhatWasLetGoTakesNoMemoryAndCanBeReadAgain) {
  const TemporaryFolder folder;
  std::string content(size_t{8} << 20, 'a');
  for (size_t i = 0; i < content.size(); i += 1000) content[i] = static_cast<char>('a' + i % 26);
  write_file(folder / "file", content);
  Storage storage;
  const std::string_view bytes = storage.keep(MappedFile(folder / "file"));
  EXPECT_EQ(bytes, content);
  const int64_t before = resident_pages();
  storage.let_go(bytes.substr(100, bytes.size() - 200));
  const int64_t pages = static_cast<int64_t>(content.size()) / ::sysconf(_SC_PAGESIZE);
  EXPECT_LT(resident_pages(), before - pages / 2);
  EXPECT_EQ(bytes, content);

  const std::string_view own = storage.keep(std::string("of no file"));
  storage.let_go(own);
  EXPECT_EQ(own, "of no file");
}

}  // namespace
}  // namespace morph::onnx
