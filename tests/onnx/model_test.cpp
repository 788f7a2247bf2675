#include "morph/onnx/model.h"

#include <filesystem>
#include <fstream>

#include "expect_error.h"
#include "model_builder.h"
#include <gtest/gtest.h>
#include <unistd.h>

#include "morph/base/file.h"
#include "morph/onnx/import.h"

namespace morph::onnx {
namespace {

namespace fs = std::filesystem;

/// A folder that is gone after the test.
class ModelFile : public testing::Test {
 protected:
  ModelFile() : folder_(fs::temp_directory_path() / cat("morph_onnx_", ::getpid())) {
    fs::create_directories(folder_);
  }
  ~ModelFile() override { fs::remove_all(folder_); }

  fs::path folder_;
};

ModelBuilder small() {
  ModelBuilder builder;
  builder.input("x", {-1, 3, 8, 8}).weight("w", {16, 3, 3, 3}).weight("b", {16});
  builder.node("Conv", "x w b", "y", {ints_attr("pads", {1, 1, 1, 1})});
  builder.node("LeakyRelu", "y", "z", {float_attr("alpha", 0.25F)});
  builder.node("Resize", "z - - -", "r", {text_attr("mode", "nearest")});
  builder.output("z");
  builder.model().metadata = {{"morphnet.network", "test"}};
  builder.model().producer_name = "somebody";
  return builder;
}

TEST(Model, WrittenAndReadAgainIsTheSame) {
  ModelBuilder builder = small();
  const std::string bytes = serialize_model(builder.model());
  const Model model = parse_model(bytes);
  EXPECT_EQ(model.ir_version, 8);
  EXPECT_EQ(model.opsets, builder.model().opsets);
  EXPECT_EQ(model.metadata, builder.model().metadata);
  ASSERT_EQ(model.graph.nodes.size(), 3U);
  EXPECT_EQ(model.graph.nodes[0].name, "y_node");
  EXPECT_EQ(model.graph.nodes[0].inputs, (std::vector<std::string>{"x", "w", "b"}));
  EXPECT_EQ(model.graph.nodes[0].find("pads")->ints, (Ints{1, 1, 1, 1}));
  EXPECT_EQ(model.graph.nodes[1].find("alpha")->floats, (std::vector<float>{0.25F}));
  EXPECT_EQ(model.graph.nodes[2].find("mode")->strings, (std::vector<std::string>{"nearest"}));
  EXPECT_EQ(model.graph.nodes[2].inputs.size(), 4U);
  EXPECT_EQ(model.graph.initializers[0].array, builder.model().graph.initializers[0].array);
  EXPECT_EQ(model.graph.inputs[0].shape[0].value, -1);
  EXPECT_EQ(model.graph.inputs[0].shape[1].value, 3);
  EXPECT_EQ(serialize_model(model), bytes);
}

TEST(Model, TensorsAreReadWhereTheyLie) {
  ModelBuilder builder = small();
  const std::string bytes = serialize_model(builder.model());
  const Model model = parse_model(bytes);
  const char* data = model.graph.initializers[0].array.bytes.data();
  EXPECT_GE(data, bytes.data());
  EXPECT_LT(data, bytes.data() + bytes.size());
}

/// A TensorProto by hand: dims, data_type, and one typed field.
std::string tensor_bytes(int type, const std::string& field) {
  return std::string("\x08\x02\x10") + static_cast<char>(type) + field;
}

TEST(Model, EveryEncodingOfTensorsIsRead) {
  Storage storage;
  const auto values = [&](int type, const std::string& field) {
    return to_doubles(parse_tensor(tensor_bytes(type, field), storage).array);
  };
  using Doubles = std::vector<double>;
  // float_data packed and one by one, double_data, int32_data, int64_data, half in int32_data.
  EXPECT_EQ(values(1, std::string("\x22\x08\0\0\x80\x3F\0\0\0\x40", 10)), (Doubles{1, 2}));
  EXPECT_EQ(values(1, std::string("\x25\0\0\x80\x3F\x25\0\0\0\x40", 10)), (Doubles{1, 2}));
  EXPECT_EQ(values(11, std::string("\x52\x10\0\0\0\0\0\0\xF0\x3F\0\0\0\0\0\0\0\x40", 18)),
            (Doubles{1, 2}));
  EXPECT_EQ(values(6, "\x2A\x02\x05\x07"), (Doubles{5, 7}));
  EXPECT_EQ(values(7, "\x3A\x02\x05\x07"), (Doubles{5, 7}));
  EXPECT_EQ(values(9, std::string("\x2A\x02\x01\x00", 4)), (Doubles{1, 0}));
  EXPECT_EQ(values(10, std::string("\x2A\x05\x80\x78\x80\x80\x03", 7)), (Doubles{1, -2}));
  EXPECT_EQ(values(16, std::string("\x2A\x05\x80\x7F\x80\x80\x03", 7)), (Doubles{1, -2}));
  EXPECT_EQ(values(3, std::string("\x4A\x02\xFF\x01", 4)), (Doubles{-1, 1}));
  EXPECT_ERROR(parse_tensor(tensor_bytes(1, "\x4A\x02\xFF\x01"), storage), "cannot have 2 bytes");
  EXPECT_ERROR(parse_tensor(tensor_bytes(1, "\x4A\x7F\xFF\x01"), storage), "damaged");
}

TEST_F(ModelFile, ExternalDataAreWrittenAndRead) {
  ModelBuilder builder = small();
  const std::string weight(builder.model().graph.initializers[0].array.bytes);
  write_model(folder_ / "m.onnx", builder.build(), Placement::kOutside);
  EXPECT_LT(fs::file_size(folder_ / "m.onnx"), 1000U);
  const Model model = read_model(folder_ / "m.onnx");
  EXPECT_EQ(model.graph.initializers[0].array.bytes, weight);
  EXPECT_TRUE(model.graph.initializers[0].external.location.empty());
}

TEST_F(ModelFile, ExternalDataMustLieInTheFolder) {
  write_file(folder_ / "secret", std::string(4096, 'x'));
  fs::create_directories(folder_ / "models");
  fs::create_symlink(folder_ / "secret", folder_ / "models" / "link");
  for (const std::string& location :
       {std::string("../secret"), (folder_ / "secret").string(), std::string("link")}) {
    ModelBuilder builder = small();
    builder.model().graph.initializers[0].external = {.location = location, .length = 1728};
    write_file(folder_ / "models" / "m.onnx", serialize_model(builder.model()));
    EXPECT_ERROR(read_model(folder_ / "models" / "m.onnx"), "do not lie in the folder");
  }
}

TEST_F(ModelFile, DamagedExternalDataAreRefused) {
  const auto read = [&](const ExternalData& place) {
    ModelBuilder builder = small();
    builder.model().graph.initializers[0].external = place;
    write_file(folder_ / "m.onnx", serialize_model(builder.model()));
    return read_model(folder_ / "m.onnx");
  };
  write_file(folder_ / "d", std::string(1728, 'x'));
  EXPECT_ERROR(read({.location = "none", .length = 1728}), "m.onnx': tensor 'w': cannot read");
  EXPECT_ERROR(read({.location = "d", .offset = 1, .length = 1728}), "wanted are 1728 from 1");
  EXPECT_ERROR(read({.location = "d", .length = 1724}), "cannot have 1724 bytes");
  EXPECT_EQ(read({.location = "d", .length = 1728}).graph.initializers[0].array.bytes,
            std::string(1728, 'x'));
}

TEST_F(ModelFile, MissingFilesAreNamed) {
  EXPECT_ERROR(read_model(folder_ / "none.onnx"), "none.onnx': No such file");
  EXPECT_ERROR(read_model(folder_), "not a regular file");
  write_file(folder_ / "empty.onnx", "");
  EXPECT_ERROR(read_onnx(folder_ / "empty.onnx"), "versions before 3 are not read");
}

TEST(ModelDamage, TruncatedFilesAreRefusedOrRead) {
  ModelBuilder builder = small();
  const std::string bytes = serialize_model(builder.model());
  int64_t refused = 0;
  for (size_t length = 0; length < bytes.size(); length += 7) {
    try {
      import_model(parse_model(std::string_view(bytes).substr(0, length)));
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, static_cast<int64_t>(bytes.size() / 7 * 9 / 10));
}

TEST(ModelDamage, FlippedBytesAreRefusedOrRead) {
  ModelBuilder builder = small();
  const std::string bytes = serialize_model(builder.model());
  Random random(20260901);
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = bytes;
    for (int64_t flips = 1 + random.below(3); flips > 0; --flips) {
      damaged[static_cast<size_t>(random.below(static_cast<int64_t>(bytes.size())))] =
          static_cast<char>(random.below(256));
    }
    try {
      import_model(parse_model(damaged), {.most_computed_bytes = 1 << 20});
    } catch (const Error&) {
      continue;
    }
  }
}

TEST(ModelDamage, NestingIsLimited) {
  // Graphs in attributes of nodes in graphs …, each a few bytes: length-delimited from inside out.
  std::string graph;
  const auto wrapped = [](char tag, const std::string& inside) {
    std::string length;
    size_t rest = inside.size();
    do {
      length += static_cast<char>((rest & 0x7F) | (rest > 0x7F ? 0x80 : 0));
      rest >>= 7;
    } while (rest > 0);
    return std::string(1, tag) + length + inside;
  };
  for (int i = 0; i < 100000; ++i) {
    graph = wrapped('\x0A', std::string("\x22\x01X", 3) + wrapped('\x2A', wrapped('\x32', graph)));
    if (graph.size() > 2000) break;
  }
  EXPECT_ERROR(parse_model(wrapped('\x3A', graph)), "nested too deep");
}

}  // namespace
}  // namespace morph::onnx
