#include "morph/ops/normalization.h"

#include "ops/chain.h"

namespace morph {
namespace {

Node normalization(const std::string& op, const Shape& shape, Attrs attrs = {}) {
  return {.name = "n",
          .op = op,
          .attrs = std::move(attrs),
          .params = {{"weight", {"n.weight", shape}}, {"bias", {"n.bias", shape}}}};
}

TEST(InstanceNormalization, NormalisesEachChannelByItself) {
  Chain chain;
  const Value x = chain.value({1, 2, 4, 4});
  const Value y = chain.apply(normalization("InstanceNormalization", {2}), {x});
  EXPECT_EQ(y.shape, x.shape);
  EXPECT_EQ(y.channels, x.channels);
  EXPECT_EQ(chain.bound("weight", 0).ids, (Ids{0, 1}));
  EXPECT_EQ(chain.bound("bias", 0).ids, (Ids{0, 1}));
  EXPECT_FALSE(chain.tied(0, 1));
  EXPECT_EQ(chain.work.offsets_per_output, 2);
}

// Group normalisation as exported before opset 18: channels read as [groups, C / groups · H · W].
TEST(InstanceNormalization, TiesWhatAReshapePutsIntoOneInstance) {
  Chain chain;
  const Value x = chain.value({1, 4, 2, 2});
  const Value r =
      chain.apply({.name = "r", .op = "Reshape", .attrs = {{"shape", Ints{0, 2, -1}}}}, {x});
  chain.apply(normalization("InstanceNormalization", {2}), {r});
  EXPECT_TRUE(chain.tied(0, 1) && chain.tied(2, 3));
  EXPECT_FALSE(chain.tied(1, 2));
}

TEST(InstanceNormalization, OfAllChannelsInOneIsPinned) {
  Chain chain;
  const Value x = chain.value({1, 4, 2, 2});
  const Value r =
      chain.apply({.name = "r", .op = "Reshape", .attrs = {{"shape", Ints{0, 1, -1}}}}, {x});
  chain.apply(normalization("InstanceNormalization", {1}), {r});
  EXPECT_EQ(chain.reason(0), "normalised over all channels in 'n'");
}

TEST(GroupNormalization, KeepsOrRemovesGroupsWhole) {
  Chain chain;
  Node node = normalization("GroupNormalization", {6}, {{"num_groups", Ints{3}}});
  const Value x = chain.value({1, 6, 4});
  chain.apply(node, {x});
  EXPECT_TRUE(chain.tied(0, 1) && chain.tied(2, 3) && chain.tied(4, 5));
  EXPECT_FALSE(chain.tied(1, 2) || chain.tied(3, 4));
  EXPECT_TRUE(chain.flow.pins().empty());
  const std::vector<Shape> old_shapes = {{1, 6, 4}};
  const std::vector<Shape> new_shapes = {{1, 4, 4}};
  const std::vector<Copies> copies = {{{}, {1, 1, 0, 0, 1, 1}, {}}};
  op_def("GroupNormalization")
      .resize(node,
              {.old_inputs = old_shapes,
               .input_copies = copies,
               .new_inputs = new_shapes,
               .output_copies = copies[0],
               .new_output = {1, 4, 4}});
  EXPECT_EQ(node.integer("num_groups", 0), 2);
}

TEST(GroupNormalization, OfOneGroupIsPinned) {
  Chain chain;
  const Value x = chain.value({1, 2, 4});
  chain.apply(normalization("GroupNormalization", {2}, {{"num_groups", Ints{1}}}), {x});
  EXPECT_EQ(chain.reason(0), "normalised over all channels in 'n'");
}

TEST(LayerNormalization, PinsTheChannelsItNormalisesOver) {
  Chain chain;
  const Value x = chain.value({1, 5, 3}, 2);
  const Value y = chain.apply(normalization("LayerNormalization", {3}), {x});
  EXPECT_EQ(y.channels, x.channels);
  EXPECT_EQ(chain.reason(0), "LayerNormalization over channels in 'n'");
}

TEST(LayerNormalization, OverSpaceAloneHandsChannelsOn) {
  Chain chain;
  const Value x = chain.value({1, 3, 4, 5});
  chain.apply(normalization("LayerNormalization", {4, 5}, {{"axis", Ints{2}}}), {x});
  EXPECT_TRUE(chain.flow.pins().empty());
}

TEST(Normalization, RefusesWhatDoesNotFit) {
  EXPECT_ERROR(shape_of(normalization("InstanceNormalization", {3}), {{1, 2, 4}}),
               "[n: InstanceNormalization] expected 'weight' of shape [2], got [3]");
  EXPECT_ERROR(shape_of(normalization("InstanceNormalization", {2}), {{1, 2}}), "rank 3 or more");
  EXPECT_ERROR(
      shape_of(normalization("GroupNormalization", {6}, {{"num_groups", Ints{4}}}), {{1, 6, 2}}),
      "'num_groups' must divide the 6 channels of the input, got 4");
  EXPECT_ERROR(shape_of(normalization("GroupNormalization", {6}), {{1, 6, 2}}), "got 0");
  EXPECT_ERROR(shape_of(normalization("LayerNormalization", {3}), {{1, 3, 4}}),
               "expected 'weight' of shape [4], got [3]");
  EXPECT_ERROR(shape_of(normalization("LayerNormalization", {3}, {{"axis", Ints{0}}}), {{1, 3}}),
               "axis 0 is the batch");
  EXPECT_ERROR(
      shape_of(normalization("LayerNormalization", {3}, {{"epsilon", Ints{-1}}}), {{1, 3}}),
      "'epsilon' must not be negative");
}

Node p_relu(const Shape& slope) {
  return {.name = "p", .op = "PRelu", .params = {{"slope", {"p.slope", slope}}}};
}

TEST(PRelu, HasASlopeForEachChannelOrForAll) {
  Chain chain;
  const Value x = chain.value({1, 2, 4, 4});
  EXPECT_EQ(chain.apply(p_relu({2, 1, 1}), {x}).channels, x.channels);
  EXPECT_EQ(chain.bound("slope", 0).ids, (Ids{0, 1}));
  EXPECT_EQ(chain.work.offsets, 2);
  chain.apply(p_relu({1}), {x});
  EXPECT_TRUE(chain.notes.params.empty());
  EXPECT_EQ(chain.work.offsets, 1);
  EXPECT_ERROR(shape_of(p_relu({3, 1, 1}), {{1, 2, 4, 4}}),
               "[p: PRelu] a slope of shape [3, 1, 1] does not broadcast to one example");
  EXPECT_ERROR(shape_of(p_relu({1, 2, 1, 1}), {{1, 2, 4, 4}}), "does not broadcast");
}

}  // namespace
}  // namespace morph
