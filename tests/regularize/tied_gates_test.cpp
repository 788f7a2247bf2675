#include "morph/regularize/tied_gates.h"

#include <cmath>

#include "expect_error.h"
#include "gated.h"
#include "halved_gates.h"

namespace morph {
namespace {

using Values = std::vector<double>;

/// Three layers of four channels whose outputs are added; `sites` says in which order they vote.
Values combined(const std::vector<const char*>& sites, const Values& gates, Combination how) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 1, 1, 1]
a = Conv(x; weight=[4, 1, 1, 1])
b = Conv(x; weight=[4, 1, 1, 1])
c = Conv(x; weight=[4, 1, 1, 1])
ab = Add(a, b)
abc = Add(ab, c)
head = Conv(abc; weight=[1, 4, 1, 1])
return head
)");
  const ChannelGroups groups = find_channel_groups(graph);
  std::vector<GateSite> where;
  std::vector<bool> removable(static_cast<size_t>(groups.set_count()), false);
  for (const char* name : sites) {
    const NodeId id = graph.find(name).value();
    where.push_back({.node = id, .tensor = name, .sets = groups.made_by(id)});
    for (const ChannelId set : groups.made_by(id)) removable[static_cast<size_t>(set)] = true;
  }
  const at::Tensor values = at::tensor(gates);
  const TiedGates tied(where, removable, find_channel_blocks(graph, groups), values);
  return to_vector(tied.combine(values, how).by_set);
}

Values joined(std::initializer_list<Values> parts) {
  Values all;
  for (const Values& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

const Values kFirst = {.1, .3, .6, .2};
const Values kSecond = {.2, .4, .5, .1};
const Values kThird = {.3, .2, 0, .25};
const std::vector<const char*> kAll = {"a", "b", "c"};

void expect_near(const Values& actual, const Values& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  // Goldens have six digits, the last of some cut off.
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-6) << i;
}

TEST(TiedGates, V1TheLargestOfThree) {
  expect_near(combined(kAll, joined({kFirst, kSecond, kThird}), Combination::kLargest),
              {.3, .4, .6, .25});
}

TEST(TiedGates, V2RootOfSquaresOfThree) {
  const Values all = combined(kAll, joined({kFirst, kSecond, kThird}), Combination::kL2);
  expect_near(all, {.374165, .538516, .781024, .335410});
}

TEST(TiedGates, V3RootOfSquaresOfTwo) {
  expect_near(combined({"a", "b"}, joined({kFirst, kSecond}), Combination::kL2),
              {.2236068, .5, .7810250, .2236068});
}

TEST(TiedGates, V4OrderDoesNotMatter) {
  for (const Combination how : {Combination::kLargest,
                                Combination::kL2,
                                Combination::kTotal,
                                Combination::kProbabilistic}) {
    const Values one = combined({"a", "b", "c"}, joined({kFirst, kSecond, kThird}), how);
    expect_near(combined({"c", "a", "b"}, joined({kThird, kFirst, kSecond}), how), one);
    expect_near(combined({"b", "c", "a"}, joined({kSecond, kThird, kFirst}), how), one);
  }
}

TEST(TiedGates, TheProbabilityThatOneIsThere) {
  // 1 − 0.9 · 0.8 · 0.7, 1 − 0.7 · 0.6 · 0.8, 1 − 0.4 · 0.5 · 1, 1 − 0.8 · 0.9 · 0.75.
  expect_near(combined(kAll, joined({kFirst, kSecond, kThird}), Combination::kProbabilistic),
              {.496, .664, .8, .46});
}

TEST(TiedGates, AloneAGateIsItself) {
  for (const Combination how : {Combination::kLargest,
                                Combination::kL2,
                                Combination::kTotal,
                                Combination::kProbabilistic}) {
    EXPECT_EQ(combined({"b"}, kSecond, how), kSecond);
  }
}

/// A layer of two channels with one gate each, and one of three tied to a third.
constexpr const char* kUneven = R"(
x = Input() shape=[1, 1, 1, 1]
p = Conv(x; weight=[2, 1, 1, 1])
np = BatchNormalization(p; weight=[2], bias=[2], running_mean=[2], running_var=[2])
q = Conv(np; weight=[3, 2, 1, 1])
nq = BatchNormalization(q; weight=[3], bias=[3], running_mean=[3], running_var=[3])
r = Conv(np; weight=[3, 2, 1, 1])
nr = BatchNormalization(r; weight=[3], bias=[3], running_mean=[3], running_var=[3])
sum = Add(nq, nr)
more = BatchNormalization(sum; weight=[3], bias=[3], running_mean=[3], running_var=[3])
head = Conv(more; weight=[1, 3, 1, 1])
return head
)";

GraphModule uneven() {
  return gated(kUneven,
               {{"np.weight", {.5, .25}},
                {"nq.weight", {.5, 0, .75}},
                {"nr.weight", {-1.5, .25, 1}},
                {"more.weight", {2, -.5, 0}}});
}

TEST(TiedGates, L2ChargesTheRootOfSquaresAndSharesThePriceByShare) {
  const GraphModule module = uneven();
  NetworkRegularizer regularizer(
      module, {"params"}, {.threshold = 0, .combination = Combination::kL2});
  regularizer.set_strengths({1});
  const double r0 = std::sqrt(.25 + 2.25 + 4);
  const double r1 = std::sqrt(.0625 + .25);
  const double r2 = std::sqrt(.5625 + 1);
  // A channel of p: 1 weight it is made by, 3 + 3 that read it, 2 of its normalization. One of the
  // sum: 2 + 2 weights, 1 of head, 3 · 2 of normalizations.
  const Regularization now = regularizer.accumulate_gradient();
  EXPECT_NEAR(to_vector(now.terms)[0], 9 * .75 + 11 * (r0 + r1 + r2), 1e-5);
  EXPECT_NEAR(gradient(module, "nr.weight")[0], 11 * -1.5 / r0, 1e-5);
  EXPECT_NEAR(gradient(module, "more.weight")[1], 11 * -.5 / r1, 1e-5);
  EXPECT_EQ(gradient(module, "nq.weight")[1], 0);
  EXPECT_EQ(gradient(module, "np.weight"), (Values{9, 9}));
}

TEST(TiedGates, SumChargesEachGateTheWholePrice) {
  const GraphModule module = uneven();
  NetworkRegularizer regularizer(
      module, {"params"}, {.threshold = 0, .combination = Combination::kTotal});
  regularizer.set_strengths({1});
  const Regularization now = regularizer.accumulate_gradient();
  EXPECT_NEAR(to_vector(now.terms)[0], 9 * .75 + 11 * (4 + .75 + 1.75), 1e-5);
  EXPECT_EQ(gradient(module, "nr.weight"), (Values{-11, 11, 11}));
  EXPECT_EQ(gradient(module, "more.weight"), (Values{11, -11, 0}));
  EXPECT_EQ(gradient(module, "np.weight"), (Values{9, 9}));
}

TEST(TiedGates, SumJudgesTheLargest) {
  const GraphModule module = uneven();
  const NetworkRegularizer regularizer(
      module, {"params"}, {.threshold = 1.2, .combination = Combination::kTotal});
  // The last has a sum of 1.75, but no gate above 1.
  const std::vector<bool> alive = {true, false, false};
  EXPECT_EQ(regularizer.structure().layers.at("q").alive, alive);
  // Nothing of p; one channel with three normalizations and one weight of head.
  EXPECT_EQ(to_vector(regularizer.evaluate().costs)[0], 3 * 2 + 1);
}

// Prices 11 and a rate of 0.1: sets whose root of squares is below 1.1 are zero at once, the others
// are shortened by 1.1. So they are after the optimizer has moved them, too.
TEST(TiedGates, AProximalStepInL2ShrinksASetAsAWhole) {
  const GraphModule module = uneven();
  NetworkRegularizer regularizer(
      module, {"params"}, {.threshold = 0, .combination = Combination::kL2, .proximal = true});
  regularizer.set_strengths({1});
  regularizer.accumulate_gradient();
  const at::Tensor moved = module.params().at("nq.weight");
  moved.detach().select(0, 0).fill_(0);
  regularizer.proximal_step(at::tensor(0.1F));
  const double left = 1 - 1.1 / std::sqrt(2.25 + 4);
  const Values nr = to_vector(module.params().at("nr.weight"));
  EXPECT_NEAR(nr[0], -1.5 * left, 1e-5);
  EXPECT_EQ(nr[1], 0);
  EXPECT_NEAR(nr[2], 1 - 1.1 / 1.25, 1e-5);
  EXPECT_NEAR(to_vector(module.params().at("more.weight"))[0], 2 * left, 1e-5);
  EXPECT_EQ(to_vector(module.params().at("more.weight"))[1], 0);
  EXPECT_NEAR(to_vector(moved)[2], .75 * (1 - 1.1 / 1.25), 1e-5);
}

TEST(TiedGates, V2L2JudgesTheRootOfSquares) {
  const GraphModule module = uneven();
  const NetworkRegularizer regularizer(
      module, {"params"}, {.threshold = 1.2, .combination = Combination::kL2});
  // Roots 2.55, 0.56 and 1.25: the last is above though none of its gates is.
  EXPECT_EQ(regularizer.structure().layers.at("q").alive, (std::vector<bool>{true, false, true}));
  // Nothing of p; two channels with three normalizations and one weight of head each.
  EXPECT_EQ(to_vector(regularizer.evaluate().costs)[0], 2 * (3 * 2 + 1));
}

TEST(TiedGates, ASetOfZerosHasNoSlopeInL2) {
  const GraphModule module = gated(kUneven,
                                   {{"np.weight", {.5, .25}},
                                    {"nq.weight", {0, 0, 0}},
                                    {"nr.weight", {0, 0, 0}},
                                    {"more.weight", {0, 0, 1}}});
  NetworkRegularizer regularizer(
      module, {"params"}, {.threshold = 0, .combination = Combination::kL2});
  regularizer.set_strengths({1});
  regularizer.accumulate_gradient();
  EXPECT_EQ(gradient(module, "nq.weight"), (Values{0, 0, 0}));
  EXPECT_EQ(gradient(module, "more.weight")[0], 0);
  EXPECT_GT(gradient(module, "more.weight")[2], 0);
}

TEST(TiedGates, V7ProbabilitiesAreForProbabilities) {
  const GraphModule module = uneven();
  EXPECT_ERROR(NetworkRegularizer(module, {"params"}, {.combination = Combination::kProbabilistic}),
               "tied gates can be combined as probabilities only if they are some");
}

TEST(TiedGates, NamesOfCombinations) {
  for (const char* name : {"max", "l2", "sum", "probabilistic"}) {
    EXPECT_EQ(name_of(parse_combination(name)), name);
  }
  EXPECT_ERROR(parse_combination("maxx"), "Did you mean 'max'?");
}

TEST(Gates, UnknownKind) {
  const GraphModule module = uneven();
  EXPECT_ERROR(NetworkRegularizer(module, {"params"}, {.gate = "gama"}), "Did you mean 'gamma'?");
}

TEST(Gates, ADecoratorChargesLessAndJudgesTheSame) {
  const GraphModule module = uneven();
  NetworkRegularizer plain(module, {"params"}, {.threshold = 0.6});
  NetworkRegularizer half(module, {"params"}, {.threshold = 0.6, .make_gates = halved("gamma")});
  EXPECT_EQ(to_vector(half.evaluate().costs), to_vector(plain.evaluate().costs));
  EXPECT_EQ(to_vector(half.evaluate().terms)[0], to_vector(plain.evaluate().terms)[0] / 2);
  EXPECT_EQ(half.set_values(), plain.set_values());
  for (NetworkRegularizer* regularizer : {&plain, &half}) {
    regularizer->set_strengths({regularizer == &plain ? 1.0 : 2.0});
    drop_gradients(module);
    regularizer->term().backward();
    const Values by_autograd = gradient(module, "nr.weight");
    drop_gradients(module);
    regularizer->accumulate_gradient();
    EXPECT_EQ(gradient(module, "nr.weight"), by_autograd);
    EXPECT_LT(by_autograd[2], 20);
  }
}

}  // namespace
}  // namespace morph
