// Squeeze, Unsqueeze, Expand and Tile.

#include "ops/chain.h"

namespace morph {
namespace {

Node node(const std::string& op, const std::string& key, Ints values) {
  return {.name = "a", .op = op, .attrs = {{key, values}}};
}

TEST(Squeeze, DropsAxesOfSizeOne) {
  EXPECT_EQ(shape_of(node("Squeeze", "axes", {2, -1}), {{1, 3, 1, 1}}), (Shape{1, 3}));
  EXPECT_EQ(shape_of({.name = "a", .op = "Squeeze"}, {{1, 1, 3, 1}}), (Shape{1, 3}));
  Chain chain;
  const Value x = chain.value({1, 3, 1, 1});
  const Value y = chain.apply(node("Squeeze", "axes", {2, 3}), {x});
  EXPECT_EQ(y.channels, Channels::along(2, 1, {0, 1, 2}));
  EXPECT_TRUE(chain.work.is_view && chain.flow.pins().empty());
  EXPECT_ERROR(shape_of(node("Squeeze", "axes", {1}), {{1, 3}}),
               "[a: Squeeze] cannot drop axis 1 of an input of shape [1, 3]: its size is not 1");
  EXPECT_ERROR(shape_of(node("Squeeze", "axes", {0}), {{1, 3}}), "axis 0 is the batch");
}

TEST(Squeeze, PinsASingleChannelWhoseAxisItDrops) {
  Chain chain;
  chain.apply(node("Squeeze", "axes", {1}), {chain.uniform({1, 1, 4})});
  EXPECT_EQ(chain.reason(0), "axis of a single channel dropped in 'a'");
}

TEST(Unsqueeze, AddsAxesOfTheOutput) {
  EXPECT_EQ(shape_of(node("Unsqueeze", "axes", {1, -1}), {{1, 3}}), (Shape{1, 1, 3, 1}));
  Chain chain;
  const Value x = chain.value({1, 3});
  const Value y = chain.apply(node("Unsqueeze", "axes", {1, 3}), {x});
  EXPECT_EQ(y.channels, Channels::along(4, 2, {0, 1, 2}));
  EXPECT_ERROR(shape_of({.name = "a", .op = "Unsqueeze"}, {{1, 3}}), "needs the attribute 'axes'");
  EXPECT_ERROR(shape_of(node("Unsqueeze", "axes", {0}), {{1, 3}}), "axis 0 is the batch");
  EXPECT_ERROR(shape_of(node("Unsqueeze", "axes", {4, 1}), {{1, 3}}), "outside an input of rank");
  EXPECT_ERROR(shape_of(node("Unsqueeze", "axes", {1, -2}), {{1}}), "names axis 1 twice");
}

Resize resize(const std::vector<Shape>& old_shapes,
              const std::vector<Copies>& copies,
              const std::vector<Shape>& new_shapes,
              const Copies& output,
              const Shape& new_output) {
  return {.old_inputs = old_shapes,
          .input_copies = copies,
          .new_inputs = new_shapes,
          .output_copies = output,
          .new_output = new_output};
}

TEST(Expand, RepeatsAxesOfSizeOne) {
  EXPECT_EQ(shape_of(node("Expand", "shape", {1, 1, 4, 5}), {{1, 3, 1, 5}}), (Shape{1, 3, 4, 5}));
  EXPECT_EQ(shape_of(node("Expand", "shape", {4, 1}), {{1, 3, 1, 5}}), (Shape{1, 3, 4, 5}));
  Chain chain;
  const Value x = chain.value({1, 3, 1, 1});
  EXPECT_EQ(chain.apply(node("Expand", "shape", {1, 3, 4, 4}), {x}).channels, x.channels);
  EXPECT_ERROR(shape_of(node("Expand", "shape", {1, 2, 4}), {{1, 3, 1}}),
               "[a: Expand] cannot expand an input of shape [1, 3, 1] to 'shape' = [1, 2, 4]");
  EXPECT_ERROR(shape_of(node("Expand", "shape", {2, 1, 3}), {{1, 3}}), "cannot expand an input");
  EXPECT_ERROR(shape_of(node("Expand", "shape", {2, 3}), {{1, 3}}), "the batch");
}

TEST(Expand, MakesChannelsOfASingleOne) {
  Chain chain;
  const Value x = chain.uniform({1, 1, 4, 4});
  Node expand = node("Expand", "shape", {1, 3, 1, 1});
  const Value y = chain.apply(expand, {x});
  EXPECT_EQ(y.channels, Channels::along(4, 1, {1, 2, 3}));
  const Copies output = {{}, {1, 0, 1}, {}, {}};
  op_def("Expand").resize(
      expand, resize({{1, 1, 4, 4}}, {{{}, {}, {}, {}}}, {{1, 1, 4, 4}}, output, {1, 2, 4, 4}));
  EXPECT_EQ(expand.ints("shape", {}), (Ints{1, 2, 1, 1}));
}

TEST(Tile, RepeatsChannelsAsWhole) {
  Chain chain;
  const Value x = chain.value({1, 2, 3});
  Node tile = node("Tile", "repeats", {1, 2, 1});
  const Value y = chain.apply(tile, {x});
  EXPECT_EQ(y.shape, (Shape{1, 4, 3}));
  EXPECT_EQ(y.channels, Channels::along(3, 1, {0, 1, 0, 1}));
  op_def("Tile").resize(
      tile,
      resize({{1, 2, 3}}, {{{}, {1, 0}, {}}}, {{1, 1, 3}}, {{}, {1, 0, 1, 0}, {}}, {1, 2, 3}));
  EXPECT_EQ(tile.ints("repeats", {}), (Ints{1, 2, 1}));
}

TEST(Tile, MakesChannelsOfASingleOne) {
  Chain chain;
  Node tile = node("Tile", "repeats", {1, 3, 2});
  const Value y = chain.apply(tile, {chain.uniform({1, 1, 2})});
  EXPECT_EQ(y.channels, Channels::along(3, 1, {1, 2, 3}));
  op_def("Tile").resize(
      tile, resize({{1, 1, 2}}, {{{}, {}, {}}}, {{1, 1, 2}}, {{}, {0, 1, 1}, {}}, {1, 2, 4}));
  EXPECT_EQ(tile.ints("repeats", {}), (Ints{1, 2, 2}));
}

TEST(Tile, RefusesWhatDoesNotFit) {
  EXPECT_ERROR(shape_of(node("Tile", "repeats", {1, 2}), {{1, 2, 3}}),
               "'repeats' must have an entry for each of the 3 axes, got 2");
  EXPECT_ERROR(shape_of(node("Tile", "repeats", {2, 2}), {{1, 2}}), "the batch");
  EXPECT_ERROR(shape_of(node("Tile", "repeats", {1, 0}), {{1, 2}}), "at least 1, got 0");
}

}  // namespace
}  // namespace morph
