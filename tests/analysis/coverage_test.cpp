#include "morph/analysis/coverage.h"

#include <string>
#include <vector>

#include "analyzed.h"
#include "expect_error.h"
#include <gtest/gtest.h>

namespace morph {
namespace {

/// What find_coverage() says of one node.
LayerCoverage coverage_of(const Analyzed& net,
                          std::string_view name,
                          const std::vector<bool>& gated = {}) {
  for (const LayerCoverage& layer : find_coverage(net.graph, net.groups, gated)) {
    if (layer.node == net.id(name)) return layer;
  }
  throw Error("no such layer");
}

/// "reason: a -> b" of the only hold.
std::string hold_of(const Analyzed& net, std::string_view name) {
  const LayerCoverage layer = coverage_of(net, name);
  if (layer.holds.size() != 1) return cat(layer.holds.size(), " holds");
  return cat(layer.holds[0].reason, ": ", format_path(net.graph, layer.holds[0].path));
}

constexpr const char* kBlock = R"(
x = Input() shape=[1, 3, 8, 8]
stem = Conv(x; weight=[4, 3, 1, 1])
bn = BatchNormalization(stem; weight=[4], bias=[4], running_mean=[4], running_var=[4])
a = Conv(bn; weight=[6, 4, 1, 1])
b = Conv(a; weight=[4, 6, 1, 1])
sum = Add(bn, b)
r = Relu(sum)
head = Conv(r; weight=[2, 4, 1, 1])
return head
)";

TEST(Coverage, ListsEveryNodeWithParams) {
  const Analyzed net(kBlock);
  std::vector<std::string> names;
  for (const LayerCoverage& layer : find_coverage(net.graph, net.groups)) {
    names.push_back(net.graph[layer.node].name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"stem", "bn", "a", "b", "head"}));
}

TEST(Coverage, CountsWhatIsPrunable) {
  const Analyzed net(kBlock, {.min_width = {{.layers = "a", .amount = 2}}});
  const LayerCoverage a = coverage_of(net, "a");
  EXPECT_EQ(a.reach, Reach::kPrunable);
  EXPECT_EQ(a.width, 6);
  EXPECT_EQ(a.prunable, 6);
  EXPECT_EQ(a.least, 2);
  EXPECT_TRUE(a.holds.empty());
  EXPECT_EQ(coverage_of(net, "bn").prunable, 4);
}

TEST(Coverage, SaysByWhatAndOnWhichPathALayerIsPinned) {
  const Analyzed output(kBlock);
  EXPECT_EQ(coverage_of(output, "head").reach, Reach::kPinned);
  EXPECT_EQ(hold_of(output, "head"), "network output: head");

  const Analyzed kept(kBlock, {.keep = {"b"}});
  EXPECT_EQ(coverage_of(kept, "stem").reach, Reach::kPinned);
  EXPECT_EQ(hold_of(kept, "stem"), "kept by --keep b: stem -> bn -> sum -> b");
  EXPECT_EQ(hold_of(kept, "bn"), "kept by --keep b: bn -> sum -> b");
}

TEST(Coverage, PathEndsAtAnOpThatOnlyReadsTheChannels) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
gate = Conv(x; weight=[1, 3, 1, 1])
squashed = Sigmoid(gate)
c = Conv(x; weight=[5, 3, 1, 1])
gated = Mul(c, squashed)
head = Conv(gated; weight=[2, 5, 1, 1])
return head
)");
  EXPECT_EQ(hold_of(net, "gate"), "multiplies every channel of 'gated': gate -> squashed -> gated");
}

TEST(Coverage, PathPassesLayersThatShareAWeight) {
  const Analyzed net(R"(
x = Input() shape=[1, 4, 8, 8]
p = Conv(x; weight=[4, 4, 1, 1] @ shared)
q = Conv(x; weight=[4, 4, 1, 1] @ shared)
soft = Softmax(q) axis=1
mixed = Conv(soft; weight=[3, 4, 1, 1])
other = Conv(p; weight=[3, 4, 1, 1])
both = Concat(mixed, other) axis=1
head = Conv(both; weight=[2, 6, 1, 1])
return head
)");
  EXPECT_EQ(hold_of(net, "p"), "Softmax over channels in 'soft': p -> q -> soft");
}

TEST(Coverage, NamesEachReasonWithHowManyChannelsItHolds) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[6, 3, 1, 1])
first = Slice(a) axes=[1] starts=[0] ends=[2]
probability = Softmax(first) axis=1
last = Slice(a) axes=[1] starts=[3] ends=[6]
head = Conv(a; weight=[2, 6, 1, 1])
return probability, last, head
)");
  const LayerCoverage a = coverage_of(net, "a");
  EXPECT_EQ(a.reach, Reach::kPrunable);
  EXPECT_EQ(a.prunable, 1);
  ASSERT_EQ(a.holds.size(), 2U);
  EXPECT_EQ(a.holds[0].reason, "Softmax over channels in 'probability'");
  EXPECT_EQ(a.holds[0].width, 2);
  EXPECT_EQ(format_path(net.graph, a.holds[0].path), "a -> first -> probability");
  EXPECT_EQ(a.holds[1].reason, "network output");
  EXPECT_EQ(a.holds[1].width, 3);
  EXPECT_EQ(format_path(net.graph, a.holds[1].path), "a -> last");
}

TEST(Coverage, LayerThatNoOutputNeedsIsUnreachable) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[4, 3, 1, 1])
side = Conv(a; weight=[5, 4, 1, 1])
head = Conv(a; weight=[2, 4, 1, 1])
return head
)");
  const LayerCoverage side = coverage_of(net, "side");
  EXPECT_EQ(side.reach, Reach::kUnreachable);
  EXPECT_EQ(side.holds.front().reason, "no path to an output");
}

TEST(Coverage, LayerWithoutAGateIsUnreachable) {
  const Analyzed net(kBlock);
  std::vector<bool> gated(static_cast<size_t>(net.groups.set_count()), false);
  for (const ChannelId set : net.made("stem")) gated[static_cast<size_t>(set)] = true;
  EXPECT_EQ(coverage_of(net, "stem", gated).reach, Reach::kPrunable);
  EXPECT_EQ(coverage_of(net, "b", gated).reach, Reach::kPrunable);  // Tied to the stem.
  const LayerCoverage a = coverage_of(net, "a", gated);
  EXPECT_EQ(a.reach, Reach::kUnreachable);
  EXPECT_EQ(a.holds.front().reason, "no gate");
  EXPECT_EQ(a.holds.front().width, 6);
  EXPECT_EQ(coverage_of(net, "head", gated).reach, Reach::kPinned);
}

TEST(Coverage, NetworkWithNothingToPruneIsRefusedWithARemedy) {
  const Analyzed net(kBlock);
  const std::vector<bool> none(static_cast<size_t>(net.groups.set_count()), false);
  EXPECT_ERROR(require_prunable(net.graph, net.groups, none, "gamma"),
               "network 'test' has nothing to prune: no gate of the kind gamma decides about stem, "
               "a, b. Turn on the scale of a BatchNormalization behind them (--gate gamma), insert "
               "gates (--gate logistic-sigmoid), or charge their weights (--gate group-lasso). "
               "Pinned: head (network output). `morphnet inspect` shows on which path.");
  EXPECT_NO_THROW(require_prunable(net.graph, net.groups, {}, "group-lasso"));

  const Analyzed kept(kBlock, {.keep = {".*"}});
  EXPECT_ERROR(require_prunable(kept.graph, kept.groups, {}, "group-lasso"),
               "has nothing to prune: pinned are stem (kept by --keep .*), a (kept by");
  const Analyzed empty("x = Input() shape=[1, 3, 8, 8]\nr = Relu(x)\nreturn r\n");
  EXPECT_ERROR(require_prunable(empty.graph, empty.groups, {}, "gamma"),
               "has nothing to prune: it has no convolution or dense layer.");
}

}  // namespace
}  // namespace morph
