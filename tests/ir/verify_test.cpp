#include "morph/ir/verify.h"

#include "expect_error.h"

#include "morph/ir/text.h"

namespace morph {
namespace {

void verify_text(const std::string& lines) { verify(parse_graph("morph 1\nnetwork g\n" + lines)); }

TEST(Verify, AcceptsASharedTensorOfOneShape) {
  EXPECT_NO_THROW(
      verify_text("i = Input() -> [1, 4]\n"
                  "a = Gemm(i; weight=[4, 4] @ w)\n"
                  "b = Gemm(a; weight=[4, 4] @ w)\n"
                  "return b\n"));
}

TEST(Verify, RefusesASharedTensorOfTwoShapes) {
  EXPECT_ERROR(
      verify_text("i = Input()\n"
                  "a = Gemm(i; weight=[4, 4] @ w)\n"
                  "b = Gemm(a; weight=[5, 4] @ w)\n"
                  "return b\n"),
      "[b: Gemm] param 'weight' gives the tensor 'w' the shape [5, 4], but [a: Gemm] gives "
      "it [4, 4]");
}

TEST(Verify, NeedsAnInputAndAnOutput) {
  EXPECT_ERROR(verify_text("i = Relu()\nreturn i\n"), "network 'g' has no Input node");
  EXPECT_ERROR(verify_text("i = Input()\nreturn\n"), "network 'g' returns nothing");
}

TEST(Verify, RefusesSizesBelowOneAndTensorsTooLarge) {
  EXPECT_ERROR(verify_text("i = Input(; w=[4, 0])\nreturn i\n"),
               "[i: Input] param 'w' has shape [4, 0]; every size must be at least 1");
  EXPECT_ERROR(verify_text("i = Input() -> [1, -3]\nreturn i\n"),
               "[i: Input] its value has shape [1, -3]");
  EXPECT_ERROR(verify_text("i = Input(; w=[4294967296, 4294967296])\nreturn i\n"),
               "[i: Input] param 'w' of shape [4294967296, 4294967296] has too many elements");
}

TEST(Verify, RefusesEmptyNames) {
  EXPECT_ERROR(verify_text("\"\" = Input()\nreturn \"\"\n"), "[: Input] a node must have a name");
  EXPECT_ERROR(verify_text("i = \"\"()\nreturn i\n"), "[i: ] a node must have an op");
  EXPECT_ERROR(verify_text("i = Input(; w=[1] @ \"\")\nreturn i\n"), "param 'w' names no tensor");
}

}  // namespace
}  // namespace morph
