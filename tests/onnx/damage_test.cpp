#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "expect_error.h"
#include "model_builder.h"
#include <gtest/gtest.h>

#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/onnx/import.h"

/// Damage to files that exporters wrote. Whatever is not thrown as an Error ends the test.
namespace morph::onnx {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> exported_files() {
  std::vector<fs::path> paths;
  for (const auto& entry :
       fs::directory_iterator(fs::path(MORPH_SOURCE_DIR) / "tests" / "models" / "micro")) {
    paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  std::vector<std::string> files;
  for (const fs::path& path : paths) files.push_back(read_file(path));
  return files;
}

bool is_read(std::string_view bytes) {
  bool all = true;
  for (const UnknownOps unknown : {UnknownOps::kRefuse, UnknownOps::kPassThrough}) {
    try {
      import_model(parse_model(bytes), {.unknown_ops = unknown, .most_computed_bytes = 1 << 20});
    } catch (const Error&) {
      all = false;
    }
  }
  return all;
}

TEST(Damage, FilesCutOffAtEveryThousandthByteAreRefused) {
  for (const std::string& file : exported_files()) {
    for (size_t length = 0; length < file.size(); length += 1000) {
      EXPECT_FALSE(is_read(std::string_view(file).substr(0, length)));
    }
  }
}

TEST(Damage, FlippedBytesAreRefusedOrRead) {
  Random random(20261128);
  int64_t refused = 0;
  for (const std::string& file : exported_files()) {
    for (int i = 0; i < 15; ++i) {
      std::string damaged = file;
      for (int flips = 0; flips < 4; ++flips) {
        const auto place = static_cast<size_t>(random.below(static_cast<int64_t>(file.size())));
        damaged[place] = static_cast<char>(random.below(256));
      }
      if (!is_read(damaged)) ++refused;
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(Damage, SizesThatTheBytesDoNotHaveAreRefused) {
  for (const Shape& shape :
       {Shape{int64_t{1} << 40}, Shape{int64_t{1} << 32, int64_t{1} << 32}, Shape{-3}, Shape{5}}) {
    ModelBuilder builder;
    builder.input("x", {1, 4}).weight("w", {4}).node("Mul", "x w", "y").output("y");
    builder.model().graph.initializers[0].array.shape = shape;
    const std::string bytes = serialize_model(builder.model());
    EXPECT_ERROR(import_model(parse_model(bytes)), "tensor 'w'");
  }
}

TEST(Damage, TypesThatTheBytesDoNotFitAreRefused) {
  for (const DataType type : {DataType::kDouble, DataType::kInt8, DataType::kString}) {
    ModelBuilder builder;
    builder.input("x", {1, 4}).weight("w", {4}).node("Mul", "x w", "y").output("y");
    builder.model().graph.initializers[0].array.type = type;
    const std::string bytes = serialize_model(builder.model());
    EXPECT_ERROR(import_model(parse_model(bytes)), "");
  }
}

TEST(Damage, HugeInputsAreRefused) {
  ModelBuilder builder;
  builder.input("x", {1, int64_t{1} << 40, int64_t{1} << 40}).node("Relu", "x", "y").output("y");
  EXPECT_ERROR(import_model(builder.build()), "every size must lie between 1 and");
}

}  // namespace
}  // namespace morph::onnx
