#include "ops/chain.h"

#include "morph/ops/interpolation.h"

namespace morph {
namespace {

using Doubles = std::vector<double>;

Node resize(Attrs attrs) { return {.name = "r", .op = "Resize", .attrs = std::move(attrs)}; }

TEST(Resize, InfersShapesFromScalesOrSizes) {
  const Shape x = {1, 3, 5, 8};
  EXPECT_EQ(shape_of(resize({{"scales", Doubles{1, 1, 2.5, 0.6}}}), {x}), (Shape{1, 3, 12, 4}));
  EXPECT_EQ(shape_of(resize({{"sizes", Ints{1, 3, 7, 4}}}), {x}), (Shape{1, 3, 7, 4}));
  EXPECT_EQ(shape_of(resize({{"sizes", Ints{10, 4}}, {"axes", Ints{-2, 3}}}), {x}),
            (Shape{1, 3, 10, 4}));
  // 7 of 5 is 1.4 times, 8 of 8 once: the smaller gives 5 x 8, the larger 7 x 11.2.
  Attrs attrs = {{"sizes", Ints{7, 8}}, {"axes", Ints{2, 3}}};
  attrs["keep_aspect_ratio_policy"] = "not_larger";
  EXPECT_EQ(shape_of(resize(attrs), {x}), (Shape{1, 3, 5, 8}));
  attrs["keep_aspect_ratio_policy"] = "not_smaller";
  EXPECT_EQ(shape_of(resize(attrs), {x}), (Shape{1, 3, 7, 11}));
}

TEST(Resize, OfSpaceHandsChannelsOnAndRewritesSizes) {
  Chain chain;
  Node node = resize({{"sizes", Ints{1, 3, 4, 4}}});
  const Value x = chain.value({1, 3, 2, 2});
  EXPECT_EQ(chain.apply(node, {x}).channels, x.channels);
  const std::vector<Shape> old_shapes = {{1, 3, 2, 2}};
  const std::vector<Shape> new_shapes = {{1, 2, 2, 2}};
  const std::vector<Copies> copies = {{{}, {1, 1, 0}, {}, {}}};
  op_def("Resize").resize(node,
                          {.old_inputs = old_shapes,
                           .input_copies = copies,
                           .new_inputs = new_shapes,
                           .output_copies = copies[0],
                           .new_output = {1, 2, 4, 4}});
  EXPECT_EQ(node.ints("sizes", {}), (Ints{1, 2, 4, 4}));
}

TEST(Resize, OfChannelsPinsThem) {
  Chain chain;
  chain.apply(resize({{"scales", Doubles{1, 2, 1}}}), {chain.value({1, 3, 2})});
  EXPECT_EQ(chain.reason(0), "interpolated between channels in 'r'");
}

TEST(Resize, RefusesWhatDoesNotFit) {
  const Shape x = {1, 3, 4};
  EXPECT_ERROR(shape_of(resize({}), {x}),
               "[r: Resize] needs one of the attributes 'scales' and 'sizes'");
  EXPECT_ERROR(shape_of(resize({{"scales", Doubles{1, 2}}}), {x}), "must have 3 entries, got 2");
  EXPECT_ERROR(shape_of(resize({{"scales", Doubles{1, 1, 0.1}}}), {x}), "must not hold 0.1");
  EXPECT_ERROR(shape_of(resize({{"sizes", Ints{1, 3, 0}}}), {x}), "must not hold 0");
  EXPECT_ERROR(shape_of(resize({{"sizes", Ints{2, 3, 4}}}), {x}), "cannot resize axis 0");
  EXPECT_ERROR(shape_of(resize({{"sizes", Ints{1, 3, 4}}, {"mode", "area"}}), {x}),
               "attribute 'mode' cannot be 'area'");
  EXPECT_ERROR(shape_of(resize({{"sizes", Ints{1, 3, 4}},
                                {"coordinate_transformation_mode", "tf_crop_and_resize"}}),
                        {x}),
               "attribute 'roi' must have 6 entries, got 0");
}

/// The weights along an axis of size 4 that a Resize by `scale` has.
Doubles weights(double scale, Attrs attrs, int64_t input = 4) {
  attrs["scales"] = Doubles{1, 1, scale};
  const Node node = resize(std::move(attrs));
  return interpolation_weights(node, resized_axes(node, {1, 1, input}).at(0)).weights;
}

TEST(Interpolation, LinearWeightsNeighbours) {
  // Places (x + 0.5) / 2 - 0.5 = -0.25, 0.25, 0.75, 1.25 of two positions.
  EXPECT_EQ(weights(2, {{"mode", "linear"}}, 2), (Doubles{1, 0, 0.75, 0.25, 0.25, 0.75, 0, 1}));
  // Places 0, 1/3, 2/3, 1.
  const Doubles aligned =
      weights(2, {{"mode", "linear"}, {"coordinate_transformation_mode", "align_corners"}}, 2);
  EXPECT_EQ(aligned[0], 1);
  EXPECT_NEAR(aligned[3], 1 / 3.0, 1e-15);
  EXPECT_EQ(aligned[7], 1);
  // Places 0, 0.5, 1, 1.5.
  EXPECT_EQ(weights(2, {{"mode", "linear"}, {"coordinate_transformation_mode", "asymmetric"}}, 2),
            (Doubles{1, 0, 0.5, 0.5, 0, 1, 0, 1}));
}

TEST(Interpolation, CubicWeightsFourNeighbours) {
  // At distance 1/2 from two and 3/2 from two with a = -0.75: 0.59375 and -0.09375.
  const Doubles halfway = weights(0.25, {{"mode", "cubic"}});
  EXPECT_EQ(halfway, (Doubles{-0.09375, 0.59375, 0.59375, -0.09375}));
  // Place -0.25 reaches two positions outside: both count for position 0, or not at all.
  const Doubles edge = weights(2, {{"mode", "cubic"}});
  EXPECT_NEAR(edge[0] + edge[1], 1, 1e-15);
  EXPECT_LT(edge[1], 0);
  const Doubles without = weights(2, {{"mode", "cubic"}, {"exclude_outside", Ints{1}}});
  EXPECT_NEAR(without[0] + without[1], 1, 1e-15);
  EXPECT_LT(without[1], edge[1]);
}

TEST(Interpolation, NearestRoundsAsItIsTold) {
  const auto picked = [](const std::string& mode) {
    // Places 0, 0.4, 0.8, 1.2, 1.6: none in the middle; scale 2 has 0.5 and 1.5.
    const Doubles rows =
        weights(2, {{"nearest_mode", mode}, {"coordinate_transformation_mode", "asymmetric"}}, 2);
    Ints positions;
    for (size_t x = 0; x < 4; ++x) positions.push_back(rows[2 * x] == 1 ? 0 : 1);
    return positions;
  };
  EXPECT_EQ(picked("floor"), (Ints{0, 0, 1, 1}));
  EXPECT_EQ(picked("ceil"), (Ints{0, 1, 1, 1}));
  EXPECT_EQ(picked("round_prefer_floor"), (Ints{0, 0, 1, 1}));
  EXPECT_EQ(picked("round_prefer_ceil"), (Ints{0, 1, 1, 1}));
}

TEST(Interpolation, AntialiasingWidensTheKernelOfASmallerOutput) {
  // Halved: place 0.5, kernel of reach 2, weights 3/4 · 1/2 at distance 1/2 and 1/4 · 1/2 at 3/2;
  // the one outside counts for position 0.
  const Doubles rows = weights(0.5, {{"mode", "linear"}, {"antialias", Ints{1}}});
  EXPECT_EQ(Doubles(rows.begin(), rows.begin() + 4), (Doubles{0.5, 0.375, 0.125, 0}));
}

TEST(Interpolation, CropsAndMarksWhatIsOutside) {
  Node node = resize({{"sizes", Ints{1, 1, 3}},
                      {"mode", "linear"},
                      {"coordinate_transformation_mode", "tf_crop_and_resize"},
                      {"roi", Doubles{0, 0, 0.5, 1, 1, 1.5}}});
  const AxisWeights result = interpolation_weights(node, resized_axes(node, {1, 1, 3}).at(0));
  // Places 1, 2, 3 of 0 … 2.
  EXPECT_EQ(result.is_outside, (std::vector<bool>{false, false, true}));
  EXPECT_EQ(Doubles(result.weights.begin(), result.weights.begin() + 6),
            (Doubles{0, 1, 0, 0, 0, 1}));
}

}  // namespace
}  // namespace morph
