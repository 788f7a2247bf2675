#include "ops/chain.h"

namespace morph {
namespace {

Node conv(const Shape& weight, Attrs attrs = {}) {
  return {.name = "c1",
          .op = "Conv",
          .attrs = std::move(attrs),
          .params = {{"weight", {"c1.weight", weight}}}};
}

Node conv_with_bias(const Shape& weight, Attrs attrs = {}) {
  Node node = conv(weight, std::move(attrs));
  node.params["bias"] = {"c1.bias", {weight[0]}};
  return node;
}

TEST(Conv, InfersShapes) {
  const Shape x = {1, 16, 9, 9};
  EXPECT_EQ(shape_of(conv({32, 16, 3, 3}), {x}), (Shape{1, 32, 7, 7}));
  EXPECT_EQ(shape_of(conv({32, 16, 3, 3}, {{"pads", Ints{1, 1, 1, 1}}}), {x}),
            (Shape{1, 32, 9, 9}));
  EXPECT_EQ(shape_of(conv({32, 16, 3, 3}, {{"strides", Ints{2, 1}}}), {x}), (Shape{1, 32, 4, 7}));
  EXPECT_EQ(shape_of(conv({32, 16, 3, 3}, {{"dilations", Ints{2, 3}}}), {x}), (Shape{1, 32, 5, 3}));
  EXPECT_EQ(shape_of(conv({32, 16, 2, 2}, {{"pads", Ints{0, 0, 1, 0}}}), {x}),
            (Shape{1, 32, 9, 8}));
  EXPECT_EQ(shape_of(conv({32, 4, 1, 1}, {{"group", Ints{4}}}), {x}), (Shape{1, 32, 9, 9}));
}

TEST(Conv, WorksOnOneAndThreeSpatialAxes) {
  EXPECT_EQ(shape_of(conv({8, 4, 3}), {{1, 4, 10}}), (Shape{1, 8, 8}));
  EXPECT_EQ(shape_of(conv({8, 4, 1, 3, 3}), {{1, 4, 5, 6, 7}}), (Shape{1, 8, 5, 4, 5}));
}

TEST(Conv, PadsByItself) {
  const Shape x = {1, 1, 5, 5};
  for (const std::string mode : {"SAME_UPPER", "SAME_LOWER"}) {
    EXPECT_EQ(shape_of(conv({1, 1, 2, 2}, {{"auto_pad", mode}}), {x}), (Shape{1, 1, 5, 5}));
    EXPECT_EQ(shape_of(conv({1, 1, 3, 3}, {{"auto_pad", mode}, {"strides", Ints{2, 2}}}), {x}),
              (Shape{1, 1, 3, 3}));
  }
  EXPECT_EQ(shape_of(conv({1, 1, 2, 2}, {{"auto_pad", "VALID"}}), {x}), (Shape{1, 1, 4, 4}));
}

TEST(Conv, MakesChannelsAndReadsAll) {
  Chain chain;
  const Value x = chain.value({1, 2, 8, 8});
  const Value y = chain.apply(conv_with_bias({3, 2, 3, 3}), {x});
  EXPECT_EQ(y.channels, Channels::along(4, 1, {2, 3, 4}));
  EXPECT_EQ(chain.bound("weight", 0).ids, (Ids{2, 3, 4}));
  EXPECT_TRUE(chain.bound("weight", 0).of_output);
  EXPECT_EQ(chain.bound("weight", 1).ids, (Ids{0, 1}));
  EXPECT_FALSE(chain.bound("weight", 1).of_output);
  EXPECT_EQ(chain.bound("bias", 0).ids, (Ids{2, 3, 4}));
  EXPECT_EQ(chain.notes.reads, (Ids{0, 1}));
  for (ChannelId id = 1; id < 5; ++id) EXPECT_FALSE(chain.tied(0, id));
}

TEST(Conv, GroupsLoseTheSamePositions) {
  Chain chain;
  const Value x = chain.value({1, 4, 8, 8});
  const Value y = chain.apply(conv({6, 2, 3, 3}, {{"group", Ints{2}}}), {x});
  EXPECT_EQ(y.channels.ids, (Ids{4, 5, 6, 7, 8, 9}));
  EXPECT_TRUE(chain.tied(0, 2) && chain.tied(1, 3));
  EXPECT_FALSE(chain.tied(0, 1));
  EXPECT_TRUE(chain.tied(4, 7) && chain.tied(5, 8) && chain.tied(6, 9));
  EXPECT_FALSE(chain.tied(4, 5) || chain.tied(0, 4));
  EXPECT_EQ(chain.bound("weight", 1).ids, (Ids{0, 1}));
  EXPECT_EQ(chain.notes.reads, (Ids{0, 1, 2, 3}));
}

TEST(Conv, DepthwiseRepeatsItsInputByTheMultiplier) {
  Chain chain;
  const Value x = chain.value({1, 3, 8, 8});
  const Value y = chain.apply(conv_with_bias({6, 1, 3, 3}, {{"group", Ints{3}}}), {x});
  EXPECT_EQ(y.channels.ids, (Ids{0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(chain.bound("weight", 0).ids, (Ids{0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(chain.bound("bias", 0).ids, (Ids{0, 0, 1, 1, 2, 2}));
  EXPECT_TRUE(chain.notes.reads.empty());
}

TEST(Conv, WithOneInputChannelMakesChannels) {
  Chain chain;
  const Value x = chain.value({1, 1, 8, 8});
  EXPECT_EQ(chain.apply(conv({2, 1, 3, 3}), {x}).channels.ids, (Ids{1, 2}));
  EXPECT_EQ(chain.notes.reads, (Ids{0}));
}

TEST(Conv, CountsWork) {
  Chain chain;
  const Value x = chain.value({1, 16, 8, 8});
  chain.apply(conv_with_bias({32, 16, 3, 3}, {{"strides", Ints{2, 2}}}), {x});
  // 3x3 places of the window, 9 weights.
  EXPECT_EQ(chain.work.macs_per_pair, 81);
  EXPECT_EQ(chain.work.weights_per_pair, 9);
  EXPECT_EQ(chain.work.macs_per_output, 0);
  EXPECT_EQ(chain.work.weights_per_output, 0);
  EXPECT_EQ(chain.work.offsets_per_output, 1);
}

TEST(Conv, CountsGroupedWorkOncePerGroup) {
  Chain chain;
  const Value x = chain.value({1, 16, 4, 4});
  chain.apply(conv({32, 4, 1, 1}, {{"group", Ints{4}}}), {x});
  // In all 16 places * 32 outputs * 4 inputs each = 2048 = macs_per_pair * 16 * 32.
  EXPECT_EQ(chain.work.macs_per_pair, 4);
  EXPECT_EQ(chain.work.weights_per_pair * 16 * 32, 128);
  EXPECT_EQ(chain.work.offsets_per_output, 0);
}

TEST(Conv, CountsDepthwiseWorkPerOutput) {
  Chain chain;
  const Value x = chain.value({1, 16, 10, 10});
  chain.apply(conv({16, 1, 3, 3}, {{"group", Ints{16}}}), {x});
  EXPECT_EQ(chain.work.macs_per_output, 576);  // 9 * 8 * 8
  EXPECT_EQ(chain.work.weights_per_output, 9);
  EXPECT_EQ(chain.work.macs_per_pair, 0);
  EXPECT_EQ(chain.work.weights_per_pair, 0);
  EXPECT_TRUE(chain.work.is_layer());
}

/// The group attribute once a conv that read 4 channels reads `inputs`.
int64_t resized_group(Node node, int64_t inputs) {
  const Shape old_input = {1, 4, 8, 8};
  const Shape new_input = {1, inputs, 8, 8};
  const Copies copies(4);
  op_def("Conv").resize(node,
                        {.old_inputs = {&old_input, 1},
                         .input_copies = {&copies, 1},
                         .new_inputs = {&new_input, 1},
                         .output_copies = copies,
                         .new_output = new_input});
  return node.integer("group", 1);
}

TEST(Conv, ResizesTheGroupsOfDepthwiseOnly) {
  EXPECT_EQ(resized_group(conv({4, 1, 3, 3}, {{"group", Ints{4}}}), 3), 3);
  EXPECT_EQ(resized_group(conv({4, 1, 3, 3}, {{"group", Ints{4}}}), 1), 1);
  EXPECT_EQ(resized_group(conv({4, 2, 3, 3}, {{"group", Ints{2}}}), 2), 2);
  EXPECT_EQ(resized_group(conv({4, 4, 3, 3}), 2), 1);
}

TEST(Conv, RefusesWhatDoesNotFit) {
  const Shape x = {1, 16, 8, 8};
  EXPECT_ERROR(shape_of(conv({32, 16, 3, 3}), {{1, 16}}),
               "[c1: Conv] expected an input of rank 4, got rank 2");
  EXPECT_ERROR(shape_of(conv({32, 16}), {x}), "expected a weight [O, I/group, kernel...]");
  EXPECT_ERROR(shape_of(conv({32, 8, 3, 3}), {x}), "does not fit an input of shape [1, 16, 8, 8]");
  EXPECT_ERROR(shape_of(conv({32, 5, 3, 3}, {{"group", Ints{3}}}), {x}),
               "group = 3 must divide 32 outputs");
  EXPECT_ERROR(shape_of(conv({32, 16, 3, 3}, {{"group", Ints{0}}}), {x}), "group = 0");
  EXPECT_ERROR(shape_of(conv({32, 16, 3, 3}, {{"kernel_shape", Ints{5, 5}}}), {x}),
               "'kernel_shape' must be that of the weight, [3, 3]");
  Node wrong_bias = conv_with_bias({32, 16, 3, 3});
  wrong_bias.params["bias"].shape = {16};
  EXPECT_ERROR(shape_of(wrong_bias, {x}), "expected 'bias' of shape [32], got [16]");
}

}  // namespace
}  // namespace morph
