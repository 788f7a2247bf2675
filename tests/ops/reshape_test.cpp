#include "ops/chain.h"

#include "morph/ops/transpose.h"

namespace morph {
namespace {

Node reshape(const Shape& shape) {
  return {.name = "r", .op = "Reshape", .attrs = {{"shape", shape}}};
}

Node transpose(const Ints& perm) {
  return {.name = "t", .op = "Transpose", .attrs = {{"perm", perm}}};
}

Node flatten(Attrs attrs = {}) { return {.name = "f", .op = "Flatten", .attrs = std::move(attrs)}; }

TEST(Reshape, InfersShapes) {
  const Shape x = {1, 6, 4, 5};
  EXPECT_EQ(shape_of(reshape({0, 2, 3, 4, 5}), {x}), (Shape{1, 2, 3, 4, 5}));
  EXPECT_EQ(shape_of(reshape({1, -1}), {x}), (Shape{1, 120}));
  EXPECT_EQ(shape_of(reshape({-1, 120}), {x}), (Shape{1, 120}));
  EXPECT_EQ(shape_of(reshape({0, 0, -1}), {x}), (Shape{1, 6, 20}));
}

TEST(Reshape, RefusesWhatDoesNotFit) {
  const Shape x = {1, 6, 4};
  EXPECT_ERROR(shape_of(reshape({0, 7, -1}), {x}),
               "[r: Reshape] an input of shape [1, 6, 4] cannot be read as [0, 7, -1]");
  EXPECT_ERROR(shape_of(reshape({2, 12}), {x}), "would mix the examples of a batch");
  EXPECT_ERROR(shape_of(reshape({-1, 4}), {x}), "its first entry must be 0");
  EXPECT_ERROR(shape_of(reshape({0, -1, -1}), {x}), "only one entry of 'shape' may be -1");
  EXPECT_ERROR(shape_of(reshape({0, 24, 1, 0}), {x}), "entry 3 of 'shape' is 0");
  EXPECT_ERROR(shape_of(reshape({0, -2}), {x}), "must not hold -2");
  EXPECT_ERROR(shape_of({.name = "r", .op = "Reshape"}, {x}), "needs the attribute 'shape'");
}

TEST(Reshape, ShufflesChannels) {
  Chain chain;
  const Value x = chain.value({1, 6, 4, 4});
  const Value split = chain.apply(reshape({0, 2, 3, 4, 4}), {x});
  EXPECT_EQ(split.channels, (Channels{{1, 2, 3, 1, 1}, {0, 1, 2, 3, 4, 5}}));
  const Value swapped = chain.apply(transpose({0, 2, 1, 3, 4}), {split});
  EXPECT_EQ(swapped.channels, (Channels{{1, 3, 2, 1, 1}, {0, 3, 1, 4, 2, 5}}));
  const Value y = chain.apply(reshape({0, -1, 4, 4}), {swapped});
  EXPECT_EQ(y.shape, x.shape);
  EXPECT_EQ(y.channels, Channels::along(4, 1, {0, 3, 1, 4, 2, 5}));
  EXPECT_TRUE(chain.flow.pins().empty());
}

/// The target once the input has become `new_input` and the output `new_output`.
Shape resized_target(Node node, const Shape& new_input, const Shape& new_output) {
  const Shape unused = {};
  const Copies copies;
  op_def("Reshape").resize(node,
                           {.old_inputs = {&unused, 1},
                            .input_copies = {&copies, 1},
                            .new_inputs = {&new_input, 1},
                            .output_copies = copies,
                            .new_output = new_output});
  return node.ints("shape", {});
}

TEST(Reshape, RewritesEntriesThatChanged) {
  // Of two groups of three channels each lost one.
  EXPECT_EQ(resized_target(reshape({0, 2, 3, 4, 5}), {1, 4, 4, 5}, {1, 2, 2, 4, 5}),
            (Shape{0, 2, 2, 4, 5}));
  EXPECT_EQ(resized_target(reshape({1, -1}), {1, 4, 4, 5}, {1, 80}), (Shape{1, -1}));
  EXPECT_EQ(resized_target(reshape({-1, 120}), {1, 4, 4, 5}, {1, 80}), (Shape{-1, 80}));
  EXPECT_EQ(resized_target(reshape({0, 0, 20}), {1, 4, 4, 5}, {1, 4, 20}), (Shape{0, 0, 20}));
  EXPECT_EQ(resized_target(reshape({0, 6, 0, 5}), {1, 4, 4, 5}, {1, 4, 4, 5}), (Shape{0, 4, 0, 5}));
}

TEST(Flatten, RepeatsEachChannelOverItsMap) {
  Chain chain;
  const Value x = chain.value({1, 2, 3, 1});
  const Value y = chain.apply(flatten(), {x});
  EXPECT_EQ(y.shape, (Shape{1, 6}));
  EXPECT_EQ(y.channels, Channels::along(2, 1, {0, 0, 0, 1, 1, 1}));
}

TEST(Flatten, OfAPooledMapKeepsItsChannels) {
  Chain chain;
  const Value x = chain.value({1, 3, 1, 1});
  EXPECT_EQ(chain.apply(flatten(), {x}).channels, Channels::along(2, 1, {0, 1, 2}));
}

TEST(Flatten, OfAMapOfOneChannelIsOneChannel) {
  Chain chain;
  const Value x = chain.value({1, 1, 5, 5});
  EXPECT_EQ(chain.apply(flatten(), {x}).channels, Channels::uniform(2, 0));
}

TEST(Flatten, RefusesToMixExamples) {
  const Shape x = {1, 2, 3};
  EXPECT_EQ(shape_of(flatten({{"axis", Ints{-2}}}), {x}), (Shape{1, 6}));
  EXPECT_ERROR(shape_of(flatten({{"axis", Ints{0}}}), {x}), "[f: Flatten] axis 0 would mix");
  EXPECT_ERROR(shape_of(flatten({{"axis", Ints{2}}}), {x}), "axis 2 would mix");
  EXPECT_ERROR(shape_of(flatten({{"axis", Ints{4}}}), {x}), "is outside an input of rank 3");
}

TEST(Transpose, MovesTheChannelAxis) {
  Chain chain;
  const Value x = chain.value({1, 2, 3, 4});
  const Value y = chain.apply(transpose({0, 2, 3, 1}), {x});
  EXPECT_EQ(y.shape, (Shape{1, 3, 4, 2}));
  EXPECT_EQ(y.channels, Channels::along(4, 3, {0, 1}));
}

TEST(Transpose, RefusesWhatDoesNotFit) {
  const Shape x = {1, 2, 3};
  EXPECT_ERROR(shape_of(transpose({0, 1}), {x}), "must name each of the 3 axes once, got [0, 1]");
  EXPECT_ERROR(shape_of(transpose({0, 1, 1}), {x}), "must name each of the 3 axes once");
  EXPECT_ERROR(shape_of(transpose({1, 0, 2}), {x}), "must leave axis 0, the batch, in place");
  EXPECT_ERROR(shape_of({.name = "t", .op = "Transpose"}, {x}), "in place, got [2, 1, 0]");
}

}  // namespace
}  // namespace morph
