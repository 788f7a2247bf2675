#include "ops/chain.h"

#include "morph/ops/transposed_window.h"

namespace morph {
namespace {

Node conv_transpose(const Shape& weight, Attrs attrs = {}) {
  return {.name = "up",
          .op = "ConvTranspose",
          .attrs = std::move(attrs),
          .params = {{"weight", {"up.weight", weight}}}};
}

// (in - 1)·stride + (k - 1)·dilation + 1 + output_padding - pads.
TEST(ConvTranspose, InfersShapes) {
  EXPECT_EQ(
      shape_of(conv_transpose({2, 3, 4, 4}, {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}),
               {{1, 2, 5, 7}}),
      (Shape{1, 3, 10, 14}));
  EXPECT_EQ(shape_of(conv_transpose({2, 3, 3}, {{"strides", Ints{2}}, {"output_padding", Ints{1}}}),
                     {{1, 2, 5}}),
            (Shape{1, 3, 12}));
  EXPECT_EQ(
      shape_of(conv_transpose({2, 3, 3, 3, 3}, {{"dilations", Ints{2, 1, 1}}, {"group", Ints{2}}}),
               {{1, 2, 2, 2, 2}}),
      (Shape{1, 6, 6, 4, 4}));
}

TEST(ConvTranspose, CutsToTheSizeItIsAskedFor) {
  const Shape x = {1, 1, 3, 3};
  const std::vector<int64_t> kernel = {3, 3};
  const auto window = [&](Attrs attrs) {
    attrs["strides"] = Ints{2, 2};
    return transposed_window(conv_transpose({1, 1, 3, 3}, attrs), x, kernel);
  };
  // The pattern has 7 positions, SAME takes 6.
  EXPECT_EQ(window({{"auto_pad", "SAME_UPPER"}}).cut_begin, (Ints{0, 0}));
  EXPECT_EQ(window({{"auto_pad", "SAME_UPPER"}}).cut_end, (Ints{1, 1}));
  EXPECT_EQ(window({{"auto_pad", "SAME_LOWER"}}).cut_begin, (Ints{1, 1}));
  const TransposedWindow wide = window({{"output_shape", Ints{5, 9}}});
  EXPECT_EQ(wide.output, (Ints{5, 9}));
  EXPECT_EQ(wide.cut_begin, (Ints{1, 0}));
  EXPECT_EQ(wide.cut_end, (Ints{1, -2}));
  // What output_padding adds lies behind the pattern.
  EXPECT_EQ(window({{"output_padding", Ints{1, 0}}}).cut_end, (Ints{-1, 0}));
}

TEST(ConvTranspose, MakesChannelsFromAllItReads) {
  Chain chain;
  const Value x = chain.value({1, 2, 4, 4});
  const Value y = chain.apply(conv_transpose({2, 3, 2, 2}), {x});
  EXPECT_EQ(y.channels.ids, (Ids{2, 3, 4}));
  EXPECT_EQ(chain.bound("weight", 0).ids, (Ids{0, 1}));
  EXPECT_FALSE(chain.bound("weight", 0).of_output);
  EXPECT_EQ(chain.bound("weight", 1).ids, (Ids{2, 3, 4}));
  EXPECT_EQ(chain.notes.reads, (Ids{0, 1}));
  EXPECT_EQ(chain.work.macs_per_pair, 4 * 16);
  EXPECT_EQ(chain.work.weights_per_pair, 4);
}

TEST(ConvTranspose, TiesGroupsInStep) {
  Chain chain;
  const Value x = chain.value({1, 4, 4, 4});
  const Value y = chain.apply(conv_transpose({4, 3, 2, 2}, {{"group", Ints{2}}}), {x});
  EXPECT_EQ(y.shape[1], 6);
  EXPECT_TRUE(chain.tied(0, 2) && chain.tied(1, 3));
  EXPECT_TRUE(chain.tied(4, 7) && chain.tied(5, 8) && chain.tied(6, 9));
  EXPECT_FALSE(chain.tied(0, 1) || chain.tied(4, 5));
  EXPECT_EQ(chain.bound("weight", 0).ids, (Ids{0, 1, 2, 3}));
  EXPECT_EQ(chain.bound("weight", 1).ids, (Ids{4, 5, 6}));
  EXPECT_EQ(chain.work.macs_per_pair, 4 * 16 / 2.0);
}

TEST(ConvTranspose, DepthwiseHandsChannelsOn) {
  Chain chain;
  Node node = conv_transpose({3, 2, 2, 2}, {{"group", Ints{3}}});
  const Value x = chain.value({1, 3, 4, 4});
  const Value y = chain.apply(node, {x});
  EXPECT_EQ(y.channels.ids, (Ids{0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(chain.bound("weight", 0).ids, (Ids{0, 1, 2}));
  EXPECT_TRUE(chain.notes.reads.empty());
  const std::vector<Shape> old_shapes = {{1, 3, 4, 4}};
  const std::vector<Shape> new_shapes = {{1, 2, 4, 4}};
  const std::vector<Copies> copies = {{{}, {1, 0, 1}, {}, {}}};
  op_def("ConvTranspose")
      .resize(node,
              {.old_inputs = old_shapes,
               .input_copies = copies,
               .new_inputs = new_shapes,
               .output_copies = copies[0],
               .new_output = {1, 4, 4, 4}});
  EXPECT_EQ(node.integer("group", 1), 2);
}

TEST(ConvTranspose, RefusesWhatDoesNotFit) {
  EXPECT_ERROR(shape_of(conv_transpose({2, 3, 2, 2}), {{1, 3, 4, 4}}),
               "[up: ConvTranspose] a weight of shape [2, 3, 2, 2] with group = 1 does not fit an "
               "input of shape [1, 3, 4, 4]");
  EXPECT_ERROR(shape_of(conv_transpose({2, 3}), {{1, 2}}),
               "expected a weight [I, O/group, kernel...]");
  EXPECT_ERROR(shape_of(conv_transpose({3, 3, 2}, {{"group", Ints{2}}}), {{1, 3, 4}}),
               "group = 2 must divide 3 inputs");
  EXPECT_ERROR(shape_of(conv_transpose({1, 1, 2}, {{"pads", Ints{3, 3}}}), {{1, 1, 4}}),
               "pads cut off the whole output along axis 2");
}

}  // namespace
}  // namespace morph
