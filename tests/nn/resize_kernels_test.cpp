#include <string>
#include <vector>

#include "nn/run_text.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace morph {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Pointwise;

std::vector<double> on_row(const std::string& op, const std::vector<double>& row) {
  const auto width = static_cast<int64_t>(row.size());
  return run("x = Input() shape=[1, 1, " + std::to_string(width) + "]\ny = " + op + "\nreturn y",
             doubles({1, 1, width}, row));
}

TEST(ResizeKernel, RepeatsTheNearest) {
  EXPECT_THAT(on_row("Resize(x) scales=[1.0, 1.0, 2.0]", {1, 2}), ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(on_row("Resize(x) sizes=[1, 1, 2]", {1, 2, 3, 4}), ElementsAre(1, 3));
}

TEST(ResizeKernel, InterpolatesBetweenPositions) {
  EXPECT_THAT(on_row("Resize(x) scales=[1.0, 1.0, 2.0] mode=\"linear\"", {0, 4}),
              ElementsAre(0, 1, 3, 4));
  EXPECT_THAT(on_row("Resize(x) scales=[1.0, 1.0, 2.0] mode=\"linear\" "
                     "coordinate_transformation_mode=\"align_corners\"",
                     {0, 3}),
              Pointwise(DoubleNear(1e-15), {0.0, 1.0, 2.0, 3.0}));
}

// The general way by matrices and LibTorch's own kernel agree; the first is taken for one axis.
TEST(ResizeKernel, OfMapsAgreesWithOneAxisAfterTheOther) {
  Random random(1);
  const at::Tensor x = random_doubles({2, 3, 4, 5}, random, -1, 1);
  const std::string mode = " mode=\"linear\" coordinate_transformation_mode=";
  for (const std::string coordinates : {"half_pixel", "pytorch_half_pixel", "align_corners"}) {
    const std::string rest = mode + "\"" + coordinates + "\"\n";
    const std::vector<double> at_once = run(
        "x = Input() shape=[1, 3, 4, 5]\ny = Resize(x) sizes=[1, 3, 7, 3]" + rest + "return y", x);
    EXPECT_THAT(at_once,
                Pointwise(DoubleNear(1e-14),
                          run("x = Input() shape=[1, 3, 4, 5]\na = Resize(x) sizes=7 axes=2" +
                                  rest + "y = Resize(a) sizes=3 axes=3" + rest + "return y",
                              x)))
        << coordinates;
  }
}

// Place 1 of 0 … 2 and half way to the place behind the end: what lies outside is 9.
TEST(ResizeKernel, ShowsAnotherValueOutside) {
  EXPECT_THAT(on_row("Resize(x) sizes=3 axes=2 mode=\"linear\" extrapolation_value=9.0 "
                     "coordinate_transformation_mode=\"tf_crop_and_resize\" roi=[0.5, 1.5]",
                     {1, 2, 3}),
              ElementsAre(2, 3, 9));
}

TEST(BlockKernels, MoveDepthAndSpace) {
  const at::Tensor x = doubles({1, 4, 1, 2}, {0, 1, 10, 11, 20, 21, 30, 31});
  const std::string input = "x = Input() shape=[1, 4, 1, 2]\n";
  EXPECT_THAT(run(input + "y = DepthToSpace(x) blocksize=2\nreturn y", x),
              ElementsAre(0, 10, 1, 11, 20, 30, 21, 31));
  EXPECT_THAT(
      run(input + "y = DepthToSpace(x) blocksize=2\nz = SpaceToDepth(y) blocksize=2\nreturn z", x),
      ElementsAre(0, 1, 10, 11, 20, 21, 30, 31));
  const at::Tensor wide = doubles({1, 8, 1, 1}, {0, 1, 2, 3, 4, 5, 6, 7});
  const std::string eight = "x = Input() shape=[1, 8, 1, 1]\ny = DepthToSpace(x) blocksize=2 mode=";
  EXPECT_THAT(run(eight + "\"DCR\"\nreturn y", wide), ElementsAre(0, 2, 4, 6, 1, 3, 5, 7));
  EXPECT_THAT(run(eight + "\"CRD\"\nreturn y", wide), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST(AxisKernels, MoveAndRepeatPositions) {
  const at::Tensor x = doubles({2, 3, 1}, {1, 2, 3, 4, 5, 6});
  const std::string input = "x = Input() shape=[1, 3, 1]\n";
  EXPECT_THAT(run(input + "y = Gather(x) axis=1 indices=[-1, 0]\nreturn y", x),
              ElementsAre(3, 1, 6, 4));
  EXPECT_THAT(run(input + "y = Gather(x) axis=1 indices=1 indices_shape=[]\nreturn y", x),
              ElementsAre(2, 5));
  EXPECT_THAT(run(input + "y = Expand(x) shape=[3, 2]\nreturn y", x),
              ElementsAre(1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6));
  EXPECT_THAT(run(input + "y = Tile(x) repeats=[1, 2, 1]\nreturn y", x),
              ElementsAre(1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6));
  EXPECT_THAT(run(input + "a = Squeeze(x)\ny = Unsqueeze(a) axes=[1, 2]\nreturn y", x),
              ElementsAre(1, 2, 3, 4, 5, 6));
}

}  // namespace
}  // namespace morph
