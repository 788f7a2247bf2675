#include "morph/ops/recurrent.h"

#include "ops/chain.h"

namespace morph {
namespace {

/// H = 3 and I = 2.
Node lstm(const std::string& direction, int64_t directions) {
  return {.name = "r",
          .op = "LSTM",
          .attrs = {{"direction", direction}},
          .params = {{"weight", {"r.weight", {directions, 12, 2}}},
                     {"recurrence", {"r.recurrence", {directions, 12, 3}}},
                     {"bias", {"r.bias", {directions, 24}}}}};
}

TEST(Recurrent, MakesTheStatesOfEachDirection) {
  EXPECT_EQ(shape_of(lstm("forward", 1), {{1, 5, 2}}), (Shape{1, 5, 1, 3}));
  EXPECT_EQ(shape_of(lstm("bidirectional", 2), {{1, 5, 2}}), (Shape{1, 5, 2, 3}));
  Node gru = lstm("forward", 1);
  gru.op = "GRU";
  gru.params["recurrence"].shape = {1, 12, 4};
  EXPECT_EQ(shape_of(gru, {{1, 5, 2}}), (Shape{1, 5, 1, 4}));
}

TEST(Recurrent, RefusesWhatDoesNotFit) {
  EXPECT_ERROR(shape_of(lstm("sideways", 1), {{1, 5, 2}}), "has no direction 'sideways'");
  EXPECT_ERROR(shape_of(lstm("forward", 2), {{1, 5, 2}}), "expected a weight [1, 4·H, I]");
  EXPECT_ERROR(shape_of(lstm("forward", 1), {{1, 5, 3}}), "expected 2 features, got 3");
  EXPECT_ERROR(shape_of(lstm("forward", 1), {{1, 2}}), "expected an input of rank 3, got rank 2");
  Node odd = lstm("forward", 1);
  odd.params["bias"].shape = {1, 12};
  EXPECT_ERROR(shape_of(odd, {{1, 5, 2}}), "'bias'");
}

TEST(Recurrent, FollowsFeaturesAndPinsStates) {
  Chain chain;
  const Value x = chain.value({1, 5, 2}, 2);
  const Value y = chain.apply(lstm("bidirectional", 2), {x});
  EXPECT_EQ(y.channels, Channels::along(4, 3, {2, 3, 4}));
  EXPECT_EQ(chain.reason(3), "hidden state of 'r'");
  EXPECT_EQ(chain.reason(0), "");
  EXPECT_EQ(chain.notes.reads, (Ids{0, 1}));
  ASSERT_EQ(chain.notes.params.size(), 1U);
  EXPECT_EQ(chain.notes.params[0].axis, 2U);
  EXPECT_FALSE(chain.notes.params[0].of_output);
}

TEST(Recurrent, PinsChannelsThatItGoesThroughStepByStep) {
  Chain chain;
  chain.apply(lstm("forward", 1), {chain.value({1, 5, 2}, 1)});
  EXPECT_EQ(chain.reason(4), "'r' goes through them step by step");
}

TEST(Recurrent, CountsBothKindsOfMatrices) {
  Chain chain;
  chain.apply(lstm("bidirectional", 2), {chain.value({1, 5, 2}, 2)});
  // 5 steps, 2 directions, 4 gates: 3 · 2 from the input and 3 · 3 from the state.
  EXPECT_EQ(chain.work.macs_per_pair * 2 * 3, 5 * 2 * 4 * 3 * 2);
  EXPECT_EQ(chain.work.macs_per_output * 3, 5 * 2 * 4 * 3 * 3);
  // The matrices once, and two biases.
  const double trained = chain.work.weights_per_pair * 2 * 3 + chain.work.offsets_per_output * 3;
  EXPECT_EQ(trained, 2 * 4 * (3 * 2 + 3 * 3 + 2 * 3));
}

}  // namespace
}  // namespace morph
