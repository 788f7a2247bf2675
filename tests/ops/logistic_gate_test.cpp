#include "ops/chain.h"

namespace morph {
namespace {

Node gate(int64_t channels, Attrs attrs = {}) {
  Node node{.name = "g", .op = "LogisticGate", .attrs = std::move(attrs)};
  for (const std::string slot : {"logits", "noise"}) node.params[slot] = {"g." + slot, {channels}};
  return node;
}

TEST(LogisticGate, HandsChannelsOnAndPinsTheFirst) {
  Chain chain;
  const Value x = chain.value({1, 3, 4, 4});
  const Value y = chain.apply(gate(3), {x});
  EXPECT_EQ(y.shape, x.shape);
  EXPECT_EQ(y.channels, x.channels);
  EXPECT_EQ(chain.bound("logits", 0).ids, (Ids{0, 1, 2}));
  EXPECT_TRUE(chain.bound("logits", 0).of_output);
  EXPECT_EQ(chain.reason(0), "first channel of the gate 'g'");
  EXPECT_EQ(chain.reason(1), "");
}

TEST(LogisticGate, MayLoseTheFirstToo) {
  Chain chain;
  chain.apply(gate(3, {{"keep_first", Ints{0}}}), {chain.value({1, 3})});
  EXPECT_EQ(chain.reason(0), "");
}

TEST(LogisticGate, GatesTheAxisItIsTold) {
  Chain chain;
  const Value x = chain.value({1, 5, 3}, 2);
  EXPECT_EQ(chain.apply(gate(3, {{"axis", Ints{-1}}}), {x}).channels, x.channels);
}

TEST(LogisticGate, CostsNothing) {
  Chain chain;
  chain.apply(gate(3), {chain.value({1, 3, 4, 5})});
  EXPECT_EQ(chain.work.offsets_per_output, 0);
  EXPECT_TRUE(chain.work.is_view);
}

TEST(LogisticGate, TrainsLogitsOnly) {
  for (const Slot& slot : op_def("LogisticGate").slots) {
    EXPECT_EQ(slot.trainable, slot.name == "logits") << slot.name;
  }
}

TEST(LogisticGate, RefusesWhatCannotBeRun) {
  EXPECT_ERROR(shape_of(gate(3), {{1, 4, 2, 2}}), "expected 'logits' of shape [4], got [3]");
  EXPECT_ERROR(shape_of(gate(3, {{"temperature", std::vector{0.0}}}), {{1, 3}}),
               "attribute 'temperature' must be above 0, got 0");
  EXPECT_ERROR(shape_of(gate(3, {{"annealing_rate", std::vector{10.0}}}), {{1, 3}}),
               "needs a param 'step' if it anneals, and only then");
  Node counted = gate(3);
  counted.params["step"] = {"g.step", {1}};
  EXPECT_ERROR(shape_of(counted, {{1, 3}}), "needs a param 'step'");
}

}  // namespace
}  // namespace morph
