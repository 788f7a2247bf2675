#include <string>

#include "command.h"
#include <gtest/gtest.h>

namespace morph {
namespace {

using test::Workplace;

constexpr int kUser = 1;

/// A small trained network in the folder, net.morph, and as net.onnx.
void prepare(const Workplace& place) {
  place.write("tiny.morph", R"(morph 1
network "tiny"
image = Input() shape=[1, 3, 12, 12]
c1 = Conv(image; weight=[8, 3, 3, 3]) pads=[1, 1, 1, 1]
n1 = BatchNormalization(c1; weight=[8], bias=[8], running_mean=[8], running_var=[8])
r1 = Relu(n1)
c2 = Conv(r1; weight=[6, 8, 3, 3], bias=[6]) strides=[2, 2]
r2 = Relu(c2)
pool = GlobalAveragePool(r2)
flat = Flatten(pool)
fc = Gemm(flat; weight=[4, 6], bias=[4])
return fc
)");
  const test::Outcome trained = place.morphnet(
      cat("train tiny.morph --data ", test::kData, " --epochs 1 --out run --no-flip"));
  ASSERT_EQ(trained.code, 0) << trained.err;
  const test::Outcome converted = place.morphnet("convert run/tiny.morph -o net.onnx");
  ASSERT_EQ(converted.code, 0) << converted.err;
  EXPECT_EQ(converted.out.rfind("net.onnx\n", 0), 0U);
}

TEST(CliConvert, OnnxIsANetworkEverywhere) {
  const Workplace place("convert");
  prepare(place);
  EXPECT_NE(place.read("net.onnx").find("morphnet.source"), std::string::npos);
  EXPECT_EQ(place.morphnet("cost net.onnx --json").out,
            place.morphnet("cost run/tiny.morph --json").out);
  EXPECT_EQ(place.morphnet("show net.onnx").out, place.read("run/tiny.morph"));
  EXPECT_EQ(place.morphnet("show 'net.onnx?ties=keep&input=3x9x9'").out,
            place.read("run/tiny.morph"));
  EXPECT_EQ(place.morphnet(cat("eval net.onnx --data ", test::kData)).out,
            place.morphnet(cat("eval run/tiny.morph --data ", test::kData)).out);
  place.write("keep.json",
              R"({"format": "morphnet-structure", "version": 1,
                  "layers": {"c1": {"mask": "11110000"}}})");
  const test::Outcome shrunk =
      place.morphnet("shrink net.onnx --structure keep.json -o small.onnx");
  EXPECT_EQ(shrunk.code, 0) << shrunk.err;
  EXPECT_NE(place.morphnet("show small.onnx").out.find("weight=[4, 3, 3, 3]"), std::string::npos);
}

TEST(CliConvert, FoldsBatchNormalizationAndPutsItIn) {
  const Workplace place("convert_bn");
  prepare(place);
  const test::Outcome folded = place.morphnet("convert net.onnx -o folded.onnx --fold-bn");
  EXPECT_EQ(folded.code, 0) << folded.err;
  EXPECT_EQ(place.morphnet("show folded.onnx").out.find("BatchNormalization"), std::string::npos);
  const test::Outcome normalized = place.morphnet(
      cat("convert folded.onnx -o normal.morph --insert-gates bn --data ", test::kData));
  EXPECT_EQ(normalized.code, 0) << normalized.err;
  EXPECT_NE(normalized.out.find("behind c1, c2"), std::string::npos) << normalized.out;
  EXPECT_EQ(place.morphnet(cat("eval normal.morph --data ", test::kData)).out,
            place.morphnet(cat("eval net.onnx --data ", test::kData)).out);
  const test::Outcome gated =
      place.morphnet("convert folded.onnx -o gated.morph --insert-gates logistic");
  EXPECT_EQ(gated.code, 0) << gated.err;
  EXPECT_NE(place.read("gated.morph").find("LogisticGate"), std::string::npos);
  EXPECT_EQ(place.morphnet("convert gated.morph -o plain.onnx --opset 21").code, 0);
}

TEST(CliConvert, RefusesWhatCannotBeDone) {
  const Workplace place("convert_refuse");
  prepare(place);
  EXPECT_REFUSED(place, "convert tiny.morph -o x.onnx", kUser, "and 'tiny' has none");
  EXPECT_REFUSED(place, "convert net.onnx -o x.morph --fold-bn", kUser, "are for files X.onnx");
  EXPECT_REFUSED(
      place, "convert net.onnx -o x.onnx --insert-gates logistic", kUser, "ONNX has no logistic");
  EXPECT_REFUSED(place, "convert net.onnx -o x.onnx --opset 9", kUser, "opsets 13 to 25");
  EXPECT_REFUSED(place, "show 'net.onnx?width=2'", kUser, "X.onnx takes ?input=3x224x224");
  EXPECT_REFUSED(place, "show 'tiny.morph?ties=keep'", kUser, "only X.onnx takes options");
  EXPECT_REFUSED(place, "show none.onnx", kUser, "none.onnx': No such file");
  place.write("bad.onnx", "not a model");
  EXPECT_REFUSED(place, "show bad.onnx", kUser, "'bad.onnx': ");
}

}  // namespace
}  // namespace morph
