#include <string>

#include "command.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace morph {
namespace {

using nlohmann::json;
using test::Outcome;
using test::Workplace;
using ::testing::HasSubstr;

constexpr int kUser = 1;
/// An embedding, which reads integers, and two dense layers.
const std::string kEmbedding =
    test::in_quotes(std::string(MORPH_SOURCE_DIR) + "/tests/models/micro/embedding.onnx");

std::string done(const Workplace& place, const std::string& arguments) {
  const Outcome outcome = place.morphnet(arguments);
  EXPECT_EQ(outcome.code, 0) << arguments << "\n" << outcome.err;
  return outcome.out;
}

TEST(CliOpaque, IsRefusedOrSaidToBeThere) {
  const Workplace place("opaque");
  const Outcome refused = place.morphnet("inspect " + kEmbedding);
  EXPECT_EQ(refused.code, kUser);
  EXPECT_THAT(refused.err, HasSubstr("with --allow-opaque"));
  const Outcome passed = place.morphnet("inspect --allow-opaque " + kEmbedding);
  EXPECT_EQ(passed.code, 0);
  EXPECT_THAT(passed.err, HasSubstr("warning: 1 values are made by ops that are not known"));
  EXPECT_THAT(passed.out, HasSubstr("prunable 12 of 12"));
  EXPECT_THAT(done(place, "cost --allow-opaque " + kEmbedding), HasSubstr("flops"));
  EXPECT_THAT(done(place, "show --allow-opaque " + kEmbedding), HasSubstr("op_type=\"Gather\""));
  const Outcome widened =
      place.morphnet("expand --allow-opaque --budget flops=1.5x -o wide.morph " + kEmbedding);
  EXPECT_EQ(widened.code, 0) << widened.err;
}

TEST(CliOpaque, IsWrittenBackByShrinkAndConvert) {
  const Workplace place("opaque_written");
  done(place, "convert --allow-opaque -o same.onnx " + kEmbedding);
  done(place, "convert --allow-opaque -o text.morph " + kEmbedding);
  EXPECT_EQ(done(place, "show --allow-opaque same.onnx"), done(place, "show text.morph"));
  const json layers =
      json::parse(done(place, "inspect --json --allow-opaque same.onnx")).at("layers");
  json keep = {{"format", "morphnet-structure"}, {"version", 1}};
  for (const json& layer : layers) {
    if (layer.at("op") == "MatMul" && layer.at("prunable") == 12)
      keep["layers"][layer.at("name")] = {{"mask", "111111000000"}};
  }
  ASSERT_TRUE(keep.contains("layers"));
  place.write("keep.json", keep.dump());
  const std::string said =
      done(place, "shrink --allow-opaque same.onnx --structure keep.json -o small.onnx");
  EXPECT_THAT(said, HasSubstr("masked and shrunk network differ by"));
  EXPECT_THAT(done(place, "show --allow-opaque small.onnx"), HasSubstr("op_type=\"Gather\""));
  const Outcome trained = place.morphnet(cat("eval text.morph --data ", test::kData));
  EXPECT_EQ(trained.code, kUser);
}

TEST(CliLearn, OfAnOnnxFileWritesOnnxFilesWithTheirCertificates) {
  const Workplace place("learn_onnx");
  place.write("net.morph",
              "morph 1\nnetwork \"net\"\nx = Input() shape=[1, 3, 12, 12]\n"
              "a = Conv(x; weight=[16, 3, 3, 3]) pads=[1, 1, 1, 1]\n"
              "n = BatchNormalization(a; weight=[16], bias=[16], running_mean=[16], "
              "running_var=[16])\nr = Relu(n)\np = GlobalAveragePool(r)\nf = Flatten(p)\n"
              "fc = Gemm(f; weight=[4, 16], bias=[4])\nreturn fc\n");
  done(place, cat("train net.morph --epochs 1 --no-flip --out start --data ", test::kData));
  done(place, "convert start/net.morph -o net.onnx");
  const std::string said = done(place,
                                cat("learn net.onnx --budget flops=0.6x --epochs 1 --inherit "
                                    "--retrain-epochs 1 --out run --data ",
                                    test::kData));
  for (const char* name : {"seed", "learned"}) {
    ASSERT_TRUE(place.has(cat("run/", name, ".onnx"))) << name;
    EXPECT_EQ(done(place, cat("cost run/", name, ".onnx")),
              done(place, cat("cost run/", name, ".morph")));
    EXPECT_THAT(said, HasSubstr(cat(name, ".onnx ")));
    const json run = json::parse(place.read("run/run.json"));
    const json& certificate = run.at("onnxruntime").at(name);
    if (!certificate.is_null()) {
      EXPECT_LE(certificate.at("difference"), 1e-4);
    }
  }
  EXPECT_THAT(place.read("run/learned.onnx"), HasSubstr("morphnet.command"));
}

}  // namespace
}  // namespace morph
