#include "ops/chain.h"

namespace morph {
namespace {

Node gemm(const Shape& weight, Attrs attrs = {}) {
  return {.name = "fc",
          .op = "Gemm",
          .attrs = std::move(attrs),
          .params = {{"weight", {"fc.weight", weight}}, {"bias", {"fc.bias", {weight[0]}}}}};
}

TEST(Gemm, InfersShapes) {
  EXPECT_EQ(shape_of(gemm({10, 64}), {{1, 64}}), (Shape{1, 10}));
  EXPECT_EQ(shape_of(gemm({10, 64}, {{"transB", Ints{1}}}), {{1, 64}}), (Shape{1, 10}));
  EXPECT_EQ(shape_of(gemm({10, 64}), {{1, 7, 5, 64}}), (Shape{1, 7, 5, 10}));
}

TEST(Gemm, MakesChannelsOnTheLastAxis) {
  Chain chain;
  const Value x = chain.value({1, 7, 2}, 2);
  const Value y = chain.apply(gemm({3, 2}), {x});
  EXPECT_EQ(y.channels, Channels::along(3, 2, {2, 3, 4}));
  EXPECT_EQ(chain.bound("weight", 0).ids, (Ids{2, 3, 4}));
  EXPECT_EQ(chain.bound("weight", 1).ids, (Ids{0, 1}));
  EXPECT_FALSE(chain.bound("weight", 1).of_output);
  EXPECT_EQ(chain.bound("bias", 0).ids, (Ids{2, 3, 4}));
  EXPECT_EQ(chain.notes.reads, (Ids{0, 1}));
}

TEST(Gemm, ReadsEachPositionOfAFlattenedMap) {
  Chain chain;
  const Value x = chain.value({1, 2, 2, 1});
  const Value flat = chain.apply({.name = "flat", .op = "Flatten"}, {x});
  EXPECT_EQ(flat.channels, Channels::along(2, 1, {0, 0, 1, 1}));
  chain.apply(gemm({5, 4}), {flat});
  EXPECT_EQ(chain.notes.reads, (Ids{0, 0, 1, 1}));
  EXPECT_EQ(chain.bound("weight", 1).ids, (Ids{0, 0, 1, 1}));
}

TEST(Gemm, CountsWorkOncePerPosition) {
  Chain chain;
  chain.apply(gemm({10, 64}), {chain.value({1, 7, 5, 64}, 3)});
  EXPECT_EQ(chain.work.macs_per_pair, 35);
  EXPECT_EQ(chain.work.weights_per_pair, 1);
  EXPECT_EQ(chain.work.offsets_per_output, 1);
  Node without_bias = gemm({10, 64});
  without_bias.params.erase("bias");
  chain.apply(without_bias, {chain.value({1, 64})});
  EXPECT_EQ(chain.work.macs_per_pair, 1);
  EXPECT_EQ(chain.work.offsets_per_output, 0);
}

TEST(Gemm, RefusesWhatDoesNotFit) {
  EXPECT_ERROR(shape_of(gemm({10, 64}), {{1, 32}}), "[fc: Gemm] expected 64 features");
  EXPECT_ERROR(shape_of(gemm({10, 64}), {{64}}), "expected an input of rank 2 or more, got rank 1");
  EXPECT_ERROR(shape_of(gemm({10, 64, 1}), {{1, 64}}), "expected a weight [O, I]");
  EXPECT_ERROR(shape_of(gemm({10, 64}, {{"transB", Ints{0}}}), {{1, 64}}), "transB must be 1");
  Node wrong_bias = gemm({10, 64});
  wrong_bias.params["bias"].shape = {64};
  EXPECT_ERROR(shape_of(wrong_bias, {{1, 64}}), "expected 'bias' of shape [10], got [64]");
}

}  // namespace
}  // namespace morph
