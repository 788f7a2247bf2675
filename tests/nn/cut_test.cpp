#include "morph/nn/cut.h"

#include <algorithm>

#include "expect_error.h"
#include "random_graph.h"
#include "run_text.h"
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

namespace morph {
namespace {

std::vector<bool> alive_without(const Graph& graph,
                                const ChannelGroups& groups,
                                const std::map<std::string, std::vector<size_t>>& dead) {
  std::vector<bool> alive(static_cast<size_t>(groups.set_count()), true);
  for (const auto& [layer, positions] : dead) {
    for (const size_t i : positions) {
      alive[static_cast<size_t>(groups.made_by(*graph.find(layer))[i])] = false;
    }
  }
  return alive;
}

at::Tensor evaluate(const Graph& graph, const Params& params, const at::Tensor& input) {
  GraphModule module(graph, params);
  module.set_training(false);
  const at::NoGradGuard no_grad;
  return module.forward(input);
}

double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).abs().max() / b.abs().max()).item<double>();
}

Params clone(const Params& params) {
  Params copies;
  for (const auto& [name, tensor] : params) copies[name] = tensor.detach().clone();
  return copies;
}

class RandomNetworks : public ::testing::TestWithParam<uint64_t> {};

// The strongest property there is: what is left computes what the whole network did with the rest
// masked. Cutting runs in double precision, so only rounding may differ.
TEST_P(RandomNetworks, CutEqualsMasked) {
  int64_t cuts = 0;
  for (uint64_t seed = GetParam(); seed < GetParam() + 50; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = random_graph(seed);
    Random random(seed);
    const Params params = random_double_params(graph, random);
    const ChannelGroups groups = find_channel_groups(graph);
    Cut cut;
    try {
      cut = cut_channels(graph, params, groups, random_alive(graph, groups, seed));
    } catch (const Error&) {
      continue;  // No network is left of this choice.
    }
    ++cuts;
    EXPECT_LT(cut.equivalence, 1e-10);
  }
  EXPECT_GT(cuts, 20);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomNetworks, ::testing::Range<uint64_t>(0, 500, 50));

// The same without the masks and constants of cut_channels(): dead channels that a network silences
// by itself, with BN scale and shift 0 before a Relu, may be cut and nothing changes.
TEST(Cut, RemovingSilentChannelsChangesNothing) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[6, 3, 3, 3]) pads=[1, 1, 1, 1]
an = BatchNormalization(a; weight=[6], bias=[6], running_mean=[6], running_var=[6])
ar = Relu(an)
b = Conv(ar; weight=[6, 6, 3, 3]) pads=[1, 1, 1, 1]
bn = BatchNormalization(b; weight=[6], bias=[6], running_mean=[6], running_var=[6])
sum = Add(bn, ar)
c = Conv(sum; weight=[8, 6, 3, 3]) pads=[1, 1, 1, 1] strides=[2, 2]
cn = BatchNormalization(c; weight=[8], bias=[8], running_mean=[8], running_var=[8])
cr = Relu(cn)
flat = Flatten(cr)
fc = Gemm(flat; weight=[5, 128], bias=[5])
return fc
)");
  Random random(7);
  Params params = random_double_params(graph, random);
  for (const char* name : {"an", "bn"}) {
    for (const int64_t dead : {1, 4}) {
      params.at(cat(name, ".weight")).select(0, dead).zero_();
      params.at(cat(name, ".bias")).select(0, dead).zero_();
    }
  }
  for (const int64_t dead : {0, 6, 7}) {
    params.at("cn.weight").select(0, dead).zero_();
    params.at("cn.bias").select(0, dead).zero_();
  }
  const ChannelGroups groups = find_channel_groups(graph);
  const Cut cut = cut_channels(
      graph, params, groups, alive_without(graph, groups, {{"a", {1, 4}}, {"c", {0, 6, 7}}}));
  const at::Tensor input = random_doubles({4, 3, 8, 8}, random, -1, 1);
  EXPECT_LT(
      relative_difference(evaluate(cut.graph, cut.params, input), evaluate(graph, params, input)),
      1e-12);
  EXPECT_TRUE(cut.constants.empty());
  EXPECT_EQ(cut.params.at("fc.weight").size(1), 80);
}

constexpr const char* kPointwise = R"(
x = Input() shape=[1, 2, 4, 4]
a = Conv(x; weight=[3, 2, 1, 1])
an = BatchNormalization(a; weight=[3], bias=[3], running_mean=[3], running_var=[3])
s = Sigmoid(an)
b = Conv(s; weight=[2, 3, 1, 1]KERNEL
bn = BatchNormalization(b; weight=[2], bias=[2], running_mean=[2], running_var=[2])
return bn
)";

Graph pointwise(std::string_view conv_rest) {
  std::string text = kPointwise;
  text.replace(text.find("KERNEL"), 6, conv_rest);
  return graph_of(text);
}

// γ = 0 leaves Sigmoid(β), which reaches every position of a 1×1 convolution alike.
TEST(Cut, FoldsConstantsIntoTheNormalizationThatFollows) {
  const Graph graph = pointwise(")");
  Random random(3);
  Params params = random_double_params(graph, random);
  params.at("an.weight").select(0, 1).zero_();
  const ChannelGroups groups = find_channel_groups(graph);
  const Cut cut = cut_channels(graph, params, groups, alive_without(graph, groups, {{"a", {1}}}));
  ASSERT_EQ(cut.constants.size(), 1U);
  EXPECT_EQ(cut.constants[0].node, "b");
  EXPECT_EQ(cut.constants[0].channels, 1);
  EXPECT_TRUE(cut.constants[0].folded);
  const at::Tensor input = random_doubles({2, 2, 4, 4}, random, -1, 1);
  EXPECT_LT(
      relative_difference(evaluate(cut.graph, cut.params, input), evaluate(graph, params, input)),
      1e-12);
}

TEST(Cut, FoldsConstantsIntoABias) {
  const Graph graph = pointwise(", bias=[2])");
  Random random(4);
  Params params = random_double_params(graph, random);
  params.at("an.weight").select(0, 1).zero_();
  const Params before = clone(params);
  const ChannelGroups groups = find_channel_groups(graph);
  const Cut cut = cut_channels(graph, params, groups, alive_without(graph, groups, {{"a", {1}}}));
  const double sigmoid = 1 / (1 + std::exp(-before.at("an.bias")[1].item<double>()));
  for (const int64_t o : {0, 1}) {
    const double expected = before.at("b.bias")[o].item<double>() +
                            before.at("b.weight")[o][1][0][0].item<double>() * sigmoid;
    EXPECT_NEAR(cut.params.at("b.bias")[o].item<double>(), expected, 1e-12);
  }
  for (const auto& [name, tensor] : params) EXPECT_TRUE(tensor.equal(before.at(name))) << name;
}

/// Silences channel 1 of `a` but for what is added to it, cuts it and expects the same function.
void expect_folded(const std::string& nodes, const std::string& folder) {
  const Graph graph = graph_of(nodes);
  Random random(6);
  Params params = random_double_params(graph, random);
  params.at("a.weight").select(1, 1).zero_();
  const ChannelGroups groups = find_channel_groups(graph);
  const Cut cut = cut_channels(graph, params, groups, alive_without(graph, groups, {{"a", {1}}}));
  ASSERT_EQ(cut.constants.size(), 1U);
  EXPECT_EQ(cut.constants[0].node, folder);
  EXPECT_TRUE(cut.constants[0].folded) << cut.constants[0].reason;
  const at::Tensor input = random_doubles({2, 4, 2}, random, -1, 1);
  EXPECT_LT(
      relative_difference(evaluate(cut.graph, cut.params, input), evaluate(graph, params, input)),
      1e-12);
}

TEST(Cut, FoldsConstantsOfASequenceIntoABias) {
  expect_folded(R"(
x = Input() shape=[1, 4, 2]
a = MatMul(x; weight=[2, 3])
p = Parameter(; value=[1, 1, 3])
s = Add(a, p)
g = Gelu(s)
b = Gemm(g; weight=[5, 3], bias=[5])
return b
)",
                "b");
}

TEST(Cut, FoldsConstantsIntoAParameterThatIsAdded) {
  expect_folded(R"(
x = Input() shape=[1, 4, 2]
a = MatMul(x; weight=[2, 3])
p = Parameter(; value=[1, 1, 3])
s = Add(a, p)
g = Gelu(s)
b = MatMul(g; weight=[3, 5])
q = Parameter(; value=[1, 1, 5])
t = Add(q, b)
return t
)",
                "b");
}

// With zero padding the constant is missing at the borders: no bias can stand for it.
TEST(Cut, ReportsConstantsThatPaddingMakesUneven) {
  const Graph graph = pointwise(") pads=[1, 1, 1, 1]");
  Random random(5);
  const Params params = random_double_params(graph, random);
  const ChannelGroups groups = find_channel_groups(graph);
  const Cut cut = cut_channels(graph, params, groups, alive_without(graph, groups, {{"a", {1}}}));
  ASSERT_EQ(cut.constants.size(), 1U);
  EXPECT_FALSE(cut.constants[0].folded);
  EXPECT_GT(cut.constants[0].largest, 0);
  EXPECT_NE(cut.constants[0].reason.find("padding"), std::string::npos);
  EXPECT_LT(cut.equivalence, 1e-10);
}

/// Cuts `dead` channels of each layer and compares with the masked network.
Cut cut_without(const Graph& graph, const std::map<std::string, std::vector<size_t>>& dead) {
  Random random(11);
  const Params params = random_double_params(graph, random);
  const ChannelGroups groups = find_channel_groups(graph);
  Cut cut = cut_channels(graph, params, groups, alive_without(graph, groups, dead));
  EXPECT_LT(cut.equivalence, 1e-10);
  return cut;
}

TEST(Cut, CutsParametersThatMeetChannels) {
  const Cut cut = cut_without(graph_of(R"(
x = Input() shape=[1, 2, 4, 4]
a = Conv(x; weight=[4, 2, 1, 1])
scale = Parameter(; value=[1, 4, 1, 1])
scaled = Mul(a, scale)
mask = Constant(; value=[1, 1, 4, 4])
masked = Mul(scaled, mask)
b = Conv(masked; weight=[3, 4, 3, 3])
return b
)"),
                              {{"a", {0, 2}}});
  EXPECT_EQ(shape_of(cut.params.at("scale.value")), (Shape{1, 2, 1, 1}));
  EXPECT_EQ(shape_of(cut.params.at("mask.value")), (Shape{1, 1, 4, 4}));
}

TEST(Cut, CutsEmbeddingsAndTokensOfASequence) {
  const Cut cut = cut_without(graph_of(R"(
x = Input() shape=[1, 5, 3]
a = MatMul(x; weight=[3, 4])
token = Parameter(; value=[1, 1, 4])
sequence = Concat(token, a) axis=1
place = Parameter(; value=[1, 6, 4])
placed = Add(sequence, place)
b = Gemm(placed; weight=[2, 4])
return b
)"),
                              {{"a", {1}}});
  EXPECT_EQ(shape_of(cut.params.at("token.value")), (Shape{1, 1, 3}));
  EXPECT_EQ(shape_of(cut.params.at("place.value")), (Shape{1, 6, 3}));
}

// Attention: a channel of the queries goes with that of the keys, in every head.
TEST(Cut, CutsHeadsOfAttentionInStep) {
  const Cut cut = cut_without(graph_of(R"(
x = Input() shape=[1, 5, 3]
q = MatMul(x; weight=[3, 8])
qh = Reshape(q) shape=[0, 5, 2, 4]
qt = Transpose(qh) perm=[0, 2, 1, 3]
k = MatMul(x; weight=[3, 8])
kh = Reshape(k) shape=[0, 5, 2, 4]
kt = Transpose(kh) perm=[0, 2, 3, 1]
v = MatMul(x; weight=[3, 6])
vh = Reshape(v) shape=[0, 5, 2, 3]
vt = Transpose(vh) perm=[0, 2, 1, 3]
scores = MatMul(qt, kt)
attention = Softmax(scores)
mixed = MatMul(attention, vt)
back = Transpose(mixed) perm=[0, 2, 1, 3]
flat = Reshape(back) shape=[0, 5, -1]
o = MatMul(flat; weight=[6, 3])
return o
)"),
                              {{"q", {1}}, {"v", {2}}});
  EXPECT_EQ(shape_of(cut.params.at("q.weight")), (Shape{3, 6}));
  EXPECT_EQ(shape_of(cut.params.at("k.weight")), (Shape{3, 6}));
  EXPECT_EQ(shape_of(cut.params.at("v.weight")), (Shape{3, 4}));
  EXPECT_EQ(shape_of(cut.params.at("o.weight")), (Shape{4, 3}));
}

TEST(Cut, CutsTransposedConvolutions) {
  const Cut cut = cut_without(graph_of(R"(
x = Input() shape=[1, 2, 4, 4]
a = ConvTranspose(x; weight=[2, 4, 2, 2], bias=[4]) strides=[2, 2]
b = ConvTranspose(a; weight=[4, 3, 3, 3]) group=2 pads=[1, 1, 1, 1]
c = ConvTranspose(b; weight=[6, 2, 2, 2], bias=[12]) group=6
d = ConvTranspose(c; weight=[12, 2, 1, 1])
return d
)"),
                              {{"a", {1}}, {"b", {0}}});
  EXPECT_EQ(shape_of(cut.params.at("a.weight")), (Shape{2, 2, 2, 2}));
  EXPECT_EQ(shape_of(cut.params.at("b.weight")), (Shape{2, 2, 3, 3}));
  EXPECT_EQ(shape_of(cut.params.at("c.weight")), (Shape{4, 2, 2, 2}));
  EXPECT_EQ(shape_of(cut.params.at("d.weight")), (Shape{8, 2, 1, 1}));
}

TEST(Cut, KeepsPrecisionAndNames) {
  const Graph graph = pointwise(")");
  const Params params = initial_params(graph, 0);
  const ChannelGroups groups = find_channel_groups(graph);
  const Cut cut = cut_channels(graph, params, groups, alive_without(graph, groups, {{"a", {0}}}));
  EXPECT_EQ(cut.params.size(), params.size());
  for (const auto& [name, tensor] : cut.params) EXPECT_EQ(tensor.dtype(), at::kFloat) << name;
}

TEST(Cut, RefusesWhatShrinkRefuses) {
  const Graph graph = pointwise(")");
  const ChannelGroups groups = find_channel_groups(graph);
  EXPECT_ERROR(cut_channels(graph,
                            initial_params(graph, 0),
                            groups,
                            alive_without(graph, groups, {{"a", {0, 1, 2}}})),
               "the network would be cut through");
}

}  // namespace
}  // namespace morph
