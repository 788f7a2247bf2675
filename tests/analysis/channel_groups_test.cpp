#include "morph/analysis/channel_groups.h"

#include <algorithm>
#include <string>
#include <vector>

#include "analyzed.h"
#include <gtest/gtest.h>

namespace morph {
namespace {

using Names = std::vector<std::string>;
using Ids = std::vector<ChannelId>;

/// Ids renamed 0, 1, … in the order they come, to compare which positions are the same channel.
Ids pattern(const Ids& ids) {
  Ids seen;
  Ids result;
  for (const ChannelId id : ids) {
    const auto it = std::find(seen.begin(), seen.end(), id);
    result.push_back(static_cast<ChannelId>(it - seen.begin()));
    if (it == seen.end()) seen.push_back(id);
  }
  return result;
}

TEST(ChannelGroups, SetsAreNumberedInOrderOfFirstUse) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[2, 3, 1, 1])
r = Relu(a)
b = Conv(r; weight=[4, 2, 1, 1])
return b
)");
  EXPECT_EQ(net.groups.set_count(), 9);
  EXPECT_EQ(net.ids("x"), (Ids{0, 1, 2}));
  EXPECT_EQ(net.made("a"), (Ids{3, 4}));
  EXPECT_EQ(net.ids("r"), net.made("a"));
  EXPECT_EQ(net.made("b"), (Ids{5, 6, 7, 8}));
  EXPECT_TRUE(net.made("r").empty());
  EXPECT_EQ(net.groups.group_of(net.id("r")), std::nullopt);
  EXPECT_EQ(net.groups.notes(net.id("b")).reads, (Ids{3, 4}));
  EXPECT_EQ(net.groups.channels(net.id("r")).extents, (Shape{1, 2, 1, 1}));
}

TEST(ChannelGroups, NetworkInputAndOutputArePinned) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[2, 3, 1, 1])
b = Conv(a; weight=[4, 2, 1, 1])
return b
)");
  EXPECT_EQ(net.groups.pinned(0), "network input");
  EXPECT_EQ(net.pinned("a"), "");
  EXPECT_EQ(net.pinned("b", 3), "network output");
  EXPECT_EQ(net.group("a").pinned, "");
  EXPECT_EQ(net.group("a").prunable, 2);
  EXPECT_EQ(net.group("b").pinned, "network output");
  EXPECT_EQ(net.group("b").prunable, 0);
}

TEST(ChannelGroups, EveryOutputOfSeveralIsPinned) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[4, 3, 1, 1])
left = Slice(a) axes=[1] starts=[0] ends=[1]
b = Conv(a; weight=[2, 4, 1, 1])
return left, b
)");
  EXPECT_EQ(net.pinned("a", 0), "network output");
  EXPECT_EQ(net.pinned("a", 1), "");
  EXPECT_EQ(net.group("a").prunable, 3);
  EXPECT_EQ(net.group("a").pinned, "network output");
}

TEST(ChannelGroups, GoldenS6CascadedIdentityShortcutsAreOneGroup) {
  const Analyzed net(R"(
image = Input() shape=[1, 3, 8, 8]
input = Conv(image; weight=[17, 3, 1, 1])
first = Conv(input; weight=[17, 17, 1, 1])
add0 = Add(first, input)
second = Conv(add0; weight=[17, 17, 1, 1])
out = Add(input, second)
head = Conv(out; weight=[2, 17, 1, 1])
return head
)");
  EXPECT_EQ(net.tied("input"), (Names{"input", "first", "second"}));
  EXPECT_EQ(net.group("second").sets.size(), 17U);
  EXPECT_EQ(net.made("first"), net.made("input"));
  EXPECT_EQ(net.ids("add0"), net.made("input"));
  EXPECT_EQ(net.ids("out"), net.made("second"));
  EXPECT_EQ(net.tied("head"), Names{"head"});
}

TEST(ChannelGroups, ProjectionShortcutTiesItsConvolutionAndNotTheTrunk) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
stem = Conv(x; weight=[4, 3, 1, 1])
a = Conv(stem; weight=[6, 4, 3, 3]) pads=[1, 1, 1, 1] strides=[2, 2]
b = Conv(a; weight=[8, 6, 3, 3]) pads=[1, 1, 1, 1]
skip = Conv(stem; weight=[8, 4, 1, 1]) strides=[2, 2]
sum = Add(b, skip)
head = Conv(sum; weight=[2, 8, 1, 1])
return head
)");
  EXPECT_EQ(net.tied("b"), (Names{"b", "skip"}));
  EXPECT_EQ(net.tied("stem"), Names{"stem"});
  EXPECT_EQ(net.tied("a"), Names{"a"});
  EXPECT_EQ(net.groups.groups().size(), 4U);
}

TEST(ChannelGroups, GoldenS7BroadcastOfOneChannelByAddTiesNothing) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
c1 = Conv(x; weight=[1, 3, 1, 1])
c2 = Conv(x; weight=[10, 3, 1, 1])
sum = Add(c1, c2)
conv3 = Conv(sum; weight=[13, 10, 1, 1])
head = Conv(conv3; weight=[2, 13, 1, 1])
return head
)");
  EXPECT_EQ(net.made("c1").size(), 1U);
  EXPECT_EQ(net.made("c2").size(), 10U);
  EXPECT_EQ(net.made("conv3").size(), 13U);
  EXPECT_EQ(net.ids("sum"), net.made("c2"));
  EXPECT_EQ(net.tied("c1"), Names{"c1"});
  EXPECT_EQ(net.tied("c2"), Names{"c2"});
  EXPECT_EQ(net.tied("conv3"), Names{"conv3"});
  EXPECT_EQ(net.pinned("c1"), "");  // Without it nothing is added.
}

TEST(ChannelGroups, OneChannelThatMultipliesAllIsPinned) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
gate = Conv(x; weight=[1, 3, 1, 1])
c = Conv(x; weight=[5, 3, 1, 1])
gated = Mul(c, gate)
head = Conv(gated; weight=[2, 5, 1, 1])
return head
)");
  EXPECT_EQ(net.pinned("gate"), "multiplies every channel of 'gated'");
  EXPECT_EQ(net.pinned("c"), "");
  EXPECT_EQ(net.ids("gated"), net.made("c"));
}

TEST(ChannelGroups, SqueezeAndExciteTiesTheGateToWhatItGates) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
c = Conv(x; weight=[4, 3, 1, 1])
mean = GlobalAveragePool(c)
squeeze = Conv(mean; weight=[2, 4, 1, 1])
excite = Conv(squeeze; weight=[4, 2, 1, 1])
gate = Sigmoid(excite)
gated = Mul(c, gate)
head = Conv(gated; weight=[2, 4, 1, 1])
return head
)");
  EXPECT_EQ(net.tied("c"), (Names{"c", "excite"}));
  EXPECT_EQ(net.made("c"), net.made("excite"));
  EXPECT_EQ(net.ids("mean"), net.made("c"));
  EXPECT_EQ(net.tied("squeeze"), Names{"squeeze"});
}

TEST(ChannelGroups, GoldenS13AddTiesAndConcatAppends) {
  const Analyzed sum(R"(
x = Input() shape=[1, 3, 8, 8]
c1 = Conv(x; weight=[5, 3, 1, 1])
c2 = Conv(x; weight=[5, 3, 1, 1])
add = Add(c1, c2)
conv3 = Conv(add; weight=[2, 5, 1, 1])
return conv3
)");
  EXPECT_EQ(sum.tied("c1"), (Names{"c1", "c2"}));
  EXPECT_EQ(sum.ids("add"), sum.made("c1"));
  EXPECT_EQ(sum.tied("conv3"), Names{"conv3"});

  const Analyzed joined(R"(
x = Input() shape=[1, 3, 8, 8]
c1 = Conv(x; weight=[2, 3, 1, 1])
c2 = Conv(x; weight=[3, 3, 1, 1])
cat = Concat(c1, c2) axis=1
conv3 = Conv(cat; weight=[2, 5, 1, 1])
return conv3
)");
  EXPECT_EQ(joined.tied("c1"), Names{"c1"});
  EXPECT_EQ(joined.tied("c2"), Names{"c2"});
  EXPECT_EQ(joined.made("c1"), (Ids{3, 4}));
  EXPECT_EQ(joined.made("c2"), (Ids{5, 6, 7}));
  EXPECT_EQ(joined.ids("cat"), (Ids{3, 4, 5, 6, 7}));
}

TEST(ChannelGroups, GoldenS12AddOfManyAndOfTheSameManyTimes) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[5, 3, 1, 1])
b = Conv(x; weight=[5, 3, 1, 1])
c = Conv(x; weight=[5, 3, 1, 1])
d = Conv(x; weight=[5, 3, 1, 1])
four = Add(a, b, c, d)
n = BatchNormalization(four; weight=[5], bias=[5], running_mean=[5], running_var=[5])
e = Conv(n; weight=[6, 5, 1, 1])
twice = Add(e, e, e, e)
head = Conv(twice; weight=[2, 6, 1, 1])
return head
)");
  EXPECT_EQ(net.tied("a"), (Names{"a", "b", "c", "d"}));
  EXPECT_EQ(net.names(net.group("a").scales), Names{"n"});
  EXPECT_EQ(net.ids("twice"), net.made("e"));
  EXPECT_EQ(net.group("e").sets.size(), 6U);
}

TEST(ChannelGroups, ConcatThenAddIsCutIntoPieces) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[2, 3, 1, 1])
b = Conv(x; weight=[3, 3, 1, 1])
cat = Concat(a, b) axis=1
c = Conv(x; weight=[5, 3, 1, 1])
sum = Add(cat, c)
head = Conv(sum; weight=[2, 5, 1, 1])
return head
)");
  EXPECT_EQ(net.tied("a"), (Names{"a", "b", "c"}));
  EXPECT_EQ(net.group("c").sets.size(), 5U);
  EXPECT_EQ(net.made("c"), (Ids{3, 4, 5, 6, 7}));
  EXPECT_EQ(net.made("a"), (Ids{3, 4}));
  EXPECT_EQ(net.made("b"), (Ids{5, 6, 7}));
}

TEST(ChannelGroups, GoldenS9BatchNormalizationAfterConcatScalesBothParts) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
left = Conv(x; weight=[3, 3, 1, 1])
right = Conv(x; weight=[4, 3, 1, 1])
cat = Concat(left, right) axis=1
n = BatchNormalization(cat; weight=[7], bias=[7], running_mean=[7], running_var=[7])
head = Conv(n; weight=[2, 7, 1, 1])
return head
)");
  EXPECT_EQ(net.tied("left"), Names{"left"});
  EXPECT_EQ(net.tied("right"), Names{"right"});
  EXPECT_EQ(net.made("left"), (Ids{3, 4, 5}));
  EXPECT_EQ(net.made("right"), (Ids{6, 7, 8, 9}));
  EXPECT_EQ(net.ids("n"), (Ids{3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(net.names(net.group("left").scales), Names{"n"});
  EXPECT_EQ(net.names(net.group("right").scales), Names{"n"});
}

TEST(ChannelGroups, GoldenS11ConcatAlongWidthTiesItsParts) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[5, 3, 1, 1])
b = Conv(x; weight=[5, 3, 1, 1])
wide = Concat(a, b) axis=3
head = Conv(wide; weight=[2, 5, 1, 1])
return head
)");
  EXPECT_EQ(net.tied("a"), (Names{"a", "b"}));
  EXPECT_EQ(net.ids("wide"), net.made("a"));
}

TEST(ChannelGroups, GoldenS22PixelShuffleTiesTheChannelsOfOneOutput) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 4, 4]
a = Conv(x; weight=[8, 3, 1, 1])
cut = Reshape(a) shape=[0, 2, 2, 2, 4, 4]
turned = Transpose(cut) perm=[0, 3, 4, 1, 5, 2]
big = Reshape(turned) shape=[0, 2, 8, 8]
head = Conv(big; weight=[2, 2, 1, 1])
return head
)");
  // Channel (i, j, k) of a goes to channel k of the shuffled map, at row i and column j of a 2 × 2.
  EXPECT_EQ(pattern(net.made("a")), (Ids{0, 1, 0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(net.groups.notes(net.id("head")).reads, (Ids{net.made("a")[0], net.made("a")[1]}));
}

TEST(ChannelGroups, GoldenD8DepthwiseWithMultiplierRepeatsEachChannel) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[5, 3, 1, 1])
dw = Conv(a; weight=[10, 1, 3, 3]) group=5 pads=[1, 1, 1, 1]
head = Conv(dw; weight=[2, 10, 1, 1])
return head
)");
  EXPECT_EQ(net.made("a"), (Ids{3, 4, 5, 6, 7}));
  EXPECT_EQ(net.made("dw"), (Ids{3, 3, 4, 4, 5, 5, 6, 6, 7, 7}));
  EXPECT_EQ(net.tied("a"), (Names{"a", "dw"}));
  EXPECT_EQ(net.group("dw").prunable, 5);
}

TEST(ChannelGroups, GroupedConvolutionTiesEqualPlacesOfItsGroups) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[4, 3, 1, 1])
g = Conv(a; weight=[6, 2, 1, 1]) group=2
head = Conv(g; weight=[2, 6, 1, 1])
return head
)");
  EXPECT_EQ(pattern(net.made("a")), (Ids{0, 1, 0, 1}));
  EXPECT_EQ(pattern(net.made("g")), (Ids{0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(net.tied("a"), Names{"a"});
  EXPECT_EQ(net.groups.notes(net.id("g")).reads, net.made("a"));
}

TEST(ChannelGroups, ChannelShuffleFollowsEachChannelAndKeepsRectangles) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 4, 4]
a = Conv(x; weight=[6, 3, 1, 1])
g = Reshape(a) shape=[0, 2, 3, 4, 4]
t = Transpose(g) perm=[0, 2, 1, 3, 4]
s = Reshape(t) shape=[0, 6, 4, 4]
head = Conv(s; weight=[2, 6, 1, 1])
return head
)");
  // A channel can only leave both rows of the 2 × 3 at once.
  EXPECT_EQ(pattern(net.made("a")), (Ids{0, 1, 2, 0, 1, 2}));
  const Ids& a = net.made("a");
  EXPECT_EQ(net.ids("s"), (Ids{a[0], a[3], a[1], a[4], a[2], a[5]}));
}

TEST(ChannelGroups, TransposeToChannelsLastAndBackChangesNothing) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 4, 5]
a = Conv(x; weight=[6, 3, 1, 1])
last = Transpose(a) perm=[0, 2, 3, 1]
r = Relu(last)
fc = Gemm(r; weight=[7, 6])
back = Transpose(fc) perm=[0, 3, 1, 2]
head = Conv(back; weight=[2, 7, 1, 1])
return head
)");
  EXPECT_EQ(net.groups.channels(net.id("r")).extents, (Shape{1, 1, 1, 6}));
  EXPECT_EQ(net.ids("r"), net.made("a"));
  EXPECT_EQ(net.ids("back"), net.made("fc"));
  EXPECT_EQ(net.group("fc").prunable, 7);
}

TEST(ChannelGroups, FlattenRepeatsEachChannelForEveryPixel) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[2, 3, 1, 1])
p = MaxPool(a) kernel_shape=[4, 4] strides=[4, 4]
flat = Flatten(p)
fc = Gemm(flat; weight=[5, 8], bias=[5])
return fc
)");
  EXPECT_EQ(net.ids("flat"), (Ids{3, 3, 3, 3, 4, 4, 4, 4}));
  EXPECT_EQ(net.groups.notes(net.id("fc")).reads, net.ids("flat"));
  EXPECT_EQ(net.tied("a"), Names{"a"});
  EXPECT_EQ(net.group("a").prunable, 2);
}

TEST(ChannelGroups, GoldenS23NodesThatShareAWeightAreTied) {
  const Analyzed net(R"(
x = Input() shape=[1, 4, 8, 8]
stem = Conv(x; weight=[4, 4, 1, 1])
a = Conv(stem; weight=[4, 4, 1, 1] @ shared)
b = Conv(a; weight=[4, 4, 1, 1] @ shared)
head = Conv(b; weight=[2, 4, 1, 1])
return head
)");
  EXPECT_EQ(net.tied("a"), (Names{"stem", "a", "b"}));
  EXPECT_EQ(net.made("a"), net.made("b"));
  EXPECT_EQ(net.made("stem"), net.made("a"));  // What both read along the weight's input axis.
}

TEST(ChannelGroups, GoldenS23SplitThatIsAddedTiesPieces) {
  // Google's code fails on this one.
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[6, 3, 1, 1])
left = Slice(a) axes=[1] starts=[0] ends=[3]
right = Slice(a) axes=[1] starts=[3] ends=[6]
b = Conv(x; weight=[3, 3, 1, 1])
c = Conv(x; weight=[3, 3, 1, 1])
s1 = Add(left, b)
s2 = Add(right, c)
cat = Concat(s1, s2) axis=1
head = Conv(cat; weight=[2, 6, 1, 1])
return head
)");
  EXPECT_EQ(net.made("a"), (Ids{3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(net.made("b"), (Ids{3, 4, 5}));
  EXPECT_EQ(net.made("c"), (Ids{6, 7, 8}));
  EXPECT_EQ(net.distinct("cat"), 6U);
}

TEST(ChannelGroups, GoldenS23PermutedChannelsAreTiedInTheirNewOrder) {
  // Google's code ties them in the old one.
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[10, 3, 1, 1])
low = Slice(a) axes=[1] starts=[0] ends=[5]
high = Slice(a) axes=[1] starts=[5] ends=[10]
turned = Concat(high, low) axis=1
b = Conv(x; weight=[10, 3, 1, 1])
sum = Add(turned, b)
head = Conv(sum; weight=[2, 10, 1, 1])
return head
)");
  const Ids& a = net.made("a");
  EXPECT_EQ(net.made("b"), (Ids{a[5], a[6], a[7], a[8], a[9], a[0], a[1], a[2], a[3], a[4]}));
}

TEST(ChannelGroups, SharedWeightsTieInputAndOutputChannelsOfAllTheirReaders) {
  // One detection head on two levels, as in feature pyramids.
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
p3 = Conv(x; weight=[6, 3, 1, 1])
p4 = Conv(x; weight=[6, 3, 3, 3]) strides=[2, 2] pads=[1, 1, 1, 1]
h3 = Conv(p3; weight=[5, 6, 1, 1] @ head, bias=[5] @ head.bias)
h4 = Conv(p4; weight=[5, 6, 1, 1] @ head, bias=[5] @ head.bias)
c3 = Conv(h3; weight=[2, 5, 1, 1] @ classes)
c4 = Conv(h4; weight=[2, 5, 1, 1] @ classes)
return c3, c4
)");
  EXPECT_EQ(net.tied("p3"), (Names{"p3", "p4"}));
  EXPECT_EQ(net.made("p3"), net.made("p4"));
  EXPECT_EQ(net.tied("h3"), (Names{"h3", "h4"}));
  EXPECT_EQ(net.group("h4").prunable, 5);
  EXPECT_EQ(net.group("c3").pinned, "network output");
}

TEST(ChannelGroups, SharedScaleTiesWhatItScales) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[4, 3, 1, 1])
na = BatchNormalization(a; weight=[4] @ s, bias=[4], running_mean=[4], running_var=[4])
b = Conv(na; weight=[4, 4, 1, 1])
nb = BatchNormalization(b; weight=[4] @ s, bias=[4], running_mean=[4], running_var=[4])
head = Conv(nb; weight=[2, 4, 1, 1])
return head
)");
  EXPECT_EQ(net.tied("a"), (Names{"a", "b"}));
  EXPECT_EQ(net.made("a"), net.made("b"));
}

TEST(ChannelGroups, WhatNoRuleCoversSaysWhy) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[4, 3, 1, 1])
attention = Softmax(a) axis=1
b = Conv(attention; weight=[6, 4, 1, 1])
every_other = Slice(b) axes=[1] starts=[0] ends=[6] steps=[2]
head = Conv(every_other; weight=[2, 3, 1, 1])
return head
)");
  EXPECT_EQ(net.group("a").pinned, "Softmax over channels in 'attention'");
  EXPECT_EQ(net.group("b").pinned, "strided slice in 'every_other'");
}

TEST(ChannelGroups, ListingNamesLayersScalesAndEveryReason) {
  const Analyzed net(R"(
x = Input() shape=[1, 2, 8, 8]
a = Conv(x; weight=[2, 2, 1, 1])
na = BatchNormalization(a; weight=[2], bias=[2], running_mean=[2], running_var=[2])
skip = Add(na, x)
b = Conv(skip; weight=[4, 2, 1, 1])
nb = BatchNormalization(b; weight=[4], bias=[4], running_mean=[4], running_var=[4])
c = Conv(nb; weight=[4, 4, 1, 1])
nc = BatchNormalization(c; weight=[4], bias=[4], running_mean=[4], running_var=[4])
sum = Add(nb, nc)
first = Slice(sum) axes=[1] starts=[0] ends=[2]
probability = Softmax(first) axis=1
second = Slice(sum) axes=[1] starts=[2] ends=[3]
head = Conv(sum; weight=[2, 4, 1, 1])
return probability, second, head
)");
  const std::vector<ChannelGroup>& groups = net.groups.groups();
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(net.names(groups[0].layers), Names{"a"});
  EXPECT_EQ(net.names(groups[0].scales), Names{"na"});
  EXPECT_EQ(groups[0].prunable, 0);
  EXPECT_EQ(groups[0].pinned, "network input");
  EXPECT_EQ(net.names(groups[1].layers), (Names{"b", "c"}));
  EXPECT_EQ(net.names(groups[1].scales), (Names{"nb", "nc"}));
  EXPECT_EQ(groups[1].prunable, 1);
  EXPECT_EQ(groups[1].pinned, "Softmax over channels in 'probability'; network output");
  EXPECT_EQ(net.names(groups[2].layers), Names{"head"});
  EXPECT_TRUE(groups[2].scales.empty());
}

}  // namespace
}  // namespace morph
