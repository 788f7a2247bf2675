#include "ops/chain.h"

namespace morph {
namespace {

Node norm(int64_t channels, Attrs attrs = {}) {
  Node node{.name = "bn", .op = "BatchNormalization", .attrs = std::move(attrs)};
  for (const std::string slot : {"weight", "bias", "running_mean", "running_var"}) {
    node.params[slot] = {"bn." + slot, {channels}};
  }
  return node;
}

TEST(BatchNormalization, HandsChannelsOnAndBindsAllSlots) {
  Chain chain;
  const Value x = chain.value({1, 3, 4, 4});
  const Value y = chain.apply(norm(3), {x});
  EXPECT_EQ(y.shape, x.shape);
  EXPECT_EQ(y.channels, x.channels);
  for (const std::string slot : {"weight", "bias", "running_mean", "running_var"}) {
    EXPECT_EQ(chain.bound(slot, 0).ids, (Ids{0, 1, 2})) << slot;
    EXPECT_TRUE(chain.bound(slot, 0).of_output);
  }
  EXPECT_TRUE(chain.notes.reads.empty());
}

TEST(BatchNormalization, CountsScaleAndShift) {
  Chain chain;
  chain.apply(norm(3), {chain.value({1, 3, 4, 5})});
  EXPECT_EQ(chain.work.offsets_per_output, 2);
  EXPECT_FALSE(chain.work.is_layer());
}

TEST(BatchNormalization, TrainsScaleAndShiftOnly) {
  for (const Slot& slot : op_def("BatchNormalization").slots) {
    EXPECT_TRUE(slot.required);
    EXPECT_EQ(slot.trainable, slot.name == "weight" || slot.name == "bias") << slot.name;
  }
  EXPECT_EQ(op_def("BatchNormalization").scale_slot, "weight");
}

TEST(BatchNormalization, RefusesWhatDoesNotFit) {
  EXPECT_ERROR(shape_of(norm(3), {{3}}), "[bn: BatchNormalization] expected an input of rank 2");
  EXPECT_ERROR(shape_of(norm(3), {{1, 4, 2, 2}}), "expected 'weight' of shape [4], got [3]");
  EXPECT_ERROR(shape_of(norm(3, {{"epsilon", std::vector{-1.0}}}), {{1, 3}}),
               "'epsilon' must not be negative");
  EXPECT_ERROR(shape_of(norm(3, {{"momentum", std::vector{1.5}}}), {{1, 3}}),
               "'momentum' must lie in [0, 1], got 1.5");
}

}  // namespace
}  // namespace morph
