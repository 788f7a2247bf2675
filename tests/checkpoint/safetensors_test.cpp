#include "morph/checkpoint/safetensors.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "expect_error.h"
#include "temporary_folder.h"
#include <ATen/ops/arange.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/base/file.h"
#include "morph/base/random.h"

namespace morph {
namespace {

using ::testing::HasSubstr;

class Safetensors : public ::testing::Test {
 protected:
  /// A file of this header, with its length in front, and this data.
  void write_raw(const std::string& header, const std::string& data) {
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes += static_cast<char>((header.size() >> (8 * i)) & 0xFF);
    write_file(path_, bytes + header + data);
  }

  TensorFile round_trip(const TensorFile& content) {
    write_safetensors(path_, content);
    return read_safetensors(path_);
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "t.safetensors";
};

TEST_F(Safetensors, WritesTheBytesOfTheFormat) {
  write_safetensors(path_,
                    {.tensors = {{"a", at::tensor({1.0F, -2.0F})}}, .metadata = {{"k", "v"}}});
  const std::string header =
      R"({"__metadata__":{"k":"v"},"a":{"data_offsets":[0,8],"dtype":"F32","shape":[2]}})";
  ASSERT_EQ(header.size(), 79u);
  // Length 80 = 0x50 with one blank to fill up; 1.0 is 3F800000, -2.0 is C0000000.
  const std::string expected = std::string("\x50\0\0\0\0\0\0\0", 8) + header + " " +
                               std::string("\x00\x00\x80\x3F\x00\x00\x00\xC0", 8);
  EXPECT_EQ(read_file(path_), expected);
}

TEST_F(Safetensors, ReadsWhatOthersWrite) {
  // Keys in another order, blanks, a scalar, and places that do not follow the names.
  write_raw(R"( {"z": {"dtype": "I16", "shape": [2, 1], "data_offsets": [0, 4]}, )"
            R"("a": {"shape": [], "data_offsets": [4, 5], "dtype": "U8"}} )",
            std::string("\x01\x00\xFE\xFF\x07", 5));
  const TensorFile file = read_safetensors(path_);
  ASSERT_EQ(file.tensors.size(), 2u);
  EXPECT_TRUE(file.metadata.empty());
  const at::Tensor z = at::tensor({1, -2}, at::kShort).reshape({2, 1});
  EXPECT_TRUE(at::equal(file.tensors.at("z"), z));
  EXPECT_EQ(file.tensors.at("a").dim(), 0);
  EXPECT_EQ(file.tensors.at("a").item<int>(), 7);
}

TEST_F(Safetensors, GivesBackEveryType) {
  TensorFile content{.metadata = {{"note", "größer \"quoted\"\n"}, {"empty", ""}}};
  for (const at::ScalarType type : {at::kDouble,
                                    at::kFloat,
                                    at::kHalf,
                                    at::kBFloat16,
                                    at::kLong,
                                    at::kInt,
                                    at::kShort,
                                    at::kChar,
                                    at::kByte,
                                    at::kBool}) {
    content.tensors[std::string("t.") + at::toString(type)] =
        at::arange(6, at::kLong).to(type).reshape({3, 2});
  }
  content.tensors["scalar"] = at::tensor(2.5, at::kDouble).reshape({});
  content.tensors["none"] = at::zeros({0, 3});
  const TensorFile read = round_trip(content);
  EXPECT_EQ(read.metadata, content.metadata);
  ASSERT_EQ(read.tensors.size(), content.tensors.size());
  for (const auto& [name, tensor] : content.tensors) {
    EXPECT_EQ(read.tensors.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_EQ(read.tensors.at(name).sizes(), tensor.sizes()) << name;
    EXPECT_TRUE(at::equal(read.tensors.at(name), tensor)) << name;
  }
}

TEST_F(Safetensors, AnEmptyFileOfTensorsIsSound) {
  const TensorFile read = round_trip({});
  EXPECT_TRUE(read.tensors.empty());
  EXPECT_EQ(read_file(path_).size(), 16u);
}

TEST_F(Safetensors, StoresViewsAndGradientLeavesAsPlainTensors) {
  const at::Tensor matrix = at::arange(6, at::kFloat).reshape({2, 3});
  at::Tensor leaf = at::ones({2});
  leaf.set_requires_grad(true);
  const TensorFile read = round_trip({.tensors = {{"view", matrix.t()}, {"leaf", leaf}}});
  EXPECT_TRUE(read.tensors.at("view").is_contiguous());
  EXPECT_TRUE(at::equal(read.tensors.at("view"), matrix.t()));
  EXPECT_FALSE(read.tensors.at("leaf").requires_grad());
}

TEST_F(Safetensors, KeepsLargeElementsAligned) {
  write_safetensors(path_,
                    {.tensors = {{"a", at::ones({3}, at::kByte)},
                                 {"b", at::ones({1}, at::kDouble)},
                                 {"c", at::ones({1}, at::kFloat)}}});
  const std::string bytes = read_file(path_);
  EXPECT_THAT(bytes, HasSubstr(R"("b":{"data_offsets":[0,8])"));
  EXPECT_THAT(bytes, HasSubstr(R"("c":{"data_offsets":[8,12])"));
  EXPECT_THAT(bytes, HasSubstr(R"("a":{"data_offsets":[12,15])"));
  EXPECT_EQ((bytes.size() - 15) % 8, 0u);
}

TEST_F(Safetensors, SubnormalsBecomeZeroAndNothingElseChanges) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<std::pair<at::ScalarType, double>> smallest = {{at::kDouble, 0x1p-1022},
                                                                   {at::kFloat, 0x1p-126},
                                                                   {at::kBFloat16, 0x1p-126},
                                                                   {at::kHalf, 0x1p-14}};
  for (const auto& [type, normal] : smallest) {
    const at::Tensor tensor =
        at::tensor({normal, -normal, normal / 2, -normal / 2, infinity, -1.0, 0.0}, at::kDouble)
            .to(type);
    const at::Tensor expected =
        at::tensor({normal, -normal, 0.0, 0.0, infinity, -1.0, 0.0}, at::kDouble).to(type);
    const TensorFile read = round_trip({.tensors = {{"t", tensor}}});
    EXPECT_TRUE(at::equal(read.tensors.at("t"), expected)) << at::toString(type);
  }
  const at::Tensor nan = at::tensor({std::numeric_limits<double>::quiet_NaN()}, at::kDouble);
  EXPECT_TRUE(round_trip({.tensors = {{"t", nan}}}).tensors.at("t").isnan().item<bool>());
}

TEST_F(Safetensors, RefusesWhatTheFormatCannotHold) {
  const at::Tensor one = at::ones({1});
  EXPECT_ERROR(write_safetensors(path_, {.tensors = {{"__metadata__", one}}}),
               "no tensor can be saved as '__metadata__'");
  EXPECT_ERROR(write_safetensors(path_, {.tensors = {{"z", at::complex(one, one)}}}),
               "cannot save 'z': safetensors has no type for");
  EXPECT_ERROR(write_safetensors(path_, {.tensors = {{"u", at::Tensor()}}}),
               "cannot save 'u': it is undefined");
  EXPECT_ERROR(write_safetensors(path_, {.tensors = {{"\xFF", one}}}), "not valid UTF-8");
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(Safetensors, AFailedWriteLeavesTheOldFile) {
  write_safetensors(path_, {.tensors = {{"a", at::ones({1})}}});
  const std::string before = read_file(path_);
  EXPECT_ERROR(write_safetensors(path_, {.tensors = {{"u", at::Tensor()}}}), "undefined");
  EXPECT_EQ(read_file(path_), before);
}

TEST_F(Safetensors, NamesAFileThatCannotBeRead) {
  EXPECT_ERROR(read_safetensors(path_), cat("cannot read '", path_.string(), "': no such file"));
  EXPECT_ERROR(read_safetensors(path_.parent_path()), "not a regular file");
}

TEST_F(Safetensors, SaysWhatIsWrongWithTheHeader) {
  write_file(path_, "1234567");
  EXPECT_ERROR(read_safetensors(path_),
               cat("'", path_.string(), "' is not a sound safetensors file: it has only 7 bytes"));
  write_file(path_, std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8) + "{}");
  EXPECT_ERROR(read_safetensors(path_), "its header should have 18446744073709551615 bytes");
  write_file(path_, std::string("\x03\0\0\0\0\0\0\0", 8) + "{}");
  EXPECT_ERROR(read_safetensors(path_), "its header should have 3 bytes but the file has 10");
  write_raw("{\"a\"", "");
  EXPECT_ERROR(read_safetensors(path_), "its header is not a JSON object");
  write_raw("[]", "");
  EXPECT_ERROR(read_safetensors(path_), "its header is not a JSON object");
  write_raw(R"({"__metadata__":[]})", "");
  EXPECT_ERROR(read_safetensors(path_), "its metadata is not a JSON object");
  write_raw(R"({"__metadata__":{"k":1}})", "");
  EXPECT_ERROR(read_safetensors(path_), "its metadata 'k' is not a text");
}

TEST_F(Safetensors, SaysWhatIsWrongWithAnEntry) {
  const auto read = [&](const std::string& entry) {
    write_raw(R"({"a":)" + entry + "}", "12345678");
    read_safetensors(path_);
  };
  EXPECT_ERROR(read(R"({"dtype":"F8","shape":[8],"data_offsets":[0,8]})"),
               "tensor 'a' has the unknown dtype F8");
  EXPECT_ERROR(read("1"), "tensor 'a' has the unknown dtype (none)");
  EXPECT_ERROR(read(R"({"dtype":"U8","data_offsets":[0,8]})"),
               "tensor 'a' has no shape of non-negative integers");
  EXPECT_ERROR(read(R"({"dtype":"U8","shape":[-8],"data_offsets":[0,8]})"), "has no shape");
  EXPECT_ERROR(read(R"({"dtype":"U8","shape":[8.0],"data_offsets":[0,8]})"), "has no shape");
  EXPECT_ERROR(read(R"({"dtype":"U8","shape":[8]})"), "has no data_offsets [begin, end]");
  EXPECT_ERROR(read(R"({"dtype":"U8","shape":[8],"data_offsets":[8,0]})"), "has no data_offsets");
  EXPECT_ERROR(read(R"({"dtype":"U8","shape":[8],"data_offsets":[0,4,8]})"), "has no data_offsets");
  EXPECT_ERROR(read(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
               "tensor 'a' of shape [3] and type F32 cannot have 8 bytes");
}

TEST_F(Safetensors, HugeClaimsAreRefusedWithoutMemory) {
  const auto read = [&](const std::string& entry) {
    write_raw(R"({"a":)" + entry + "}", "12345678");
    read_safetensors(path_);
  };
  EXPECT_ERROR(read(R"({"dtype":"U8","shape":[1099511627776],"data_offsets":[0,1099511627776]})"),
               "ends at 1099511627776 of 8 bytes");
  // 2^32 · 2^32 elements: the product wraps around to nothing.
  EXPECT_ERROR(read(R"({"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]})"),
               "cannot have 0 bytes");
  EXPECT_ERROR(read(R"({"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]})"),
               "cannot have 0 bytes");
  EXPECT_ERROR(read(R"({"dtype":"U8","shape":[8],"data_offsets":[0,18446744073709551615]})"),
               "has no data_offsets");
}

TEST_F(Safetensors, DeeplyNestedJsonIsRefusedWithoutRecursion) {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  for (const char* key : {"dtype", "shape", "data_offsets"}) {
    write_raw(cat(R"({"a":{")", key, "\":", deep, "}}"), "");
    EXPECT_ERROR(read_safetensors(path_), "tensor 'a' has");
  }
}

TEST_F(Safetensors, TensorsMustFillTheFileWithoutGapOrOverlap) {
  const auto read = [&](int begin, int end) {
    write_raw(cat(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)",
                  R"("b":{"dtype":"U8","shape":[)",
                  end - begin,
                  R"(],"data_offsets":[)",
                  begin,
                  ",",
                  end,
                  "]}}"),
              "1234");
    read_safetensors(path_);
  };
  EXPECT_NO_THROW(read(2, 4));
  EXPECT_ERROR(read(1, 4), "tensor 'b' begins at 1, expected 2");
  EXPECT_ERROR(read(3, 4), "tensor 'b' begins at 3, expected 2");
  EXPECT_ERROR(read(2, 5), "tensor 'b' ends at 5 of 4 bytes");
  EXPECT_ERROR(read(2, 3), "its tensors fill 3 of 4 bytes");
}

TEST_F(Safetensors, TruthValuesMustBeZeroOrOne) {
  write_raw(R"({"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})", std::string("\1\2", 2));
  EXPECT_ERROR(read_safetensors(path_), "tensor 'a' has a truth value other than 0 and 1");
}

/// The bytes of a file with tensors of several types and metadata.
std::string sample_bytes(const std::filesystem::path& path) {
  write_safetensors(path,
                    {.tensors = {{"w", at::ones({2, 3})},
                                 {"n", at::ones({2}, at::kLong)},
                                 {"m", at::ones({3}, at::kBool)}},
                     .metadata = {{"format", "pt"}}});
  return read_file(path);
}

TEST_F(Safetensors, EveryTruncationIsAnError) {
  const std::string bytes = sample_bytes(path_);
  for (size_t length = 0; length < bytes.size(); ++length) {
    std::ofstream(path_, std::ios::binary) << bytes.substr(0, length);
    EXPECT_ERROR(read_safetensors(path_), path_.string()) << "cut to " << length << " bytes";
  }
}

TEST_F(Safetensors, DamageIsAnErrorOrHarmless) {
  const std::string bytes = sample_bytes(path_);
  constexpr uint64_t kSeed = 11;
  Random random(kSeed);
  for (int round = 0; round < 5000; ++round) {
    std::string damaged = bytes;
    for (int64_t flips = 1 + random.below(3); flips > 0; --flips) {
      char& byte = damaged[static_cast<size_t>(random.below(static_cast<int64_t>(bytes.size())))];
      byte = static_cast<char>(byte ^ (1 << random.below(8)));
    }
    std::ofstream(path_, std::ios::binary) << damaged;
    try {
      for (const auto& [name, tensor] : read_safetensors(path_).tensors) {
        EXPECT_LE(tensor.nbytes(), bytes.size()) << name;
      }
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(path_.string())) << "seed " << kSeed;
    }
  }
}

}  // namespace
}  // namespace morph
