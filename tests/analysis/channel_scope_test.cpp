#include "morph/analysis/channel_scope.h"

#include <string>
#include <vector>

#include "analyzed.h"
#include "expect_error.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace morph {
namespace {

using Names = std::vector<std::string>;
using Ids = std::vector<ChannelId>;

/// Three convolutions of equal width in a row, with the head that makes the output.
constexpr const char* kChain = R"(
x = Input() shape=[1, 3, 8, 8]
conv1 = Conv(x; weight=[10, 3, 1, 1])
bn1 = BatchNormalization(conv1; weight=[10], bias=[10], running_mean=[10], running_var=[10])
conv2 = Conv(bn1; weight=[10, 10, 1, 1])
bn2 = BatchNormalization(conv2; weight=[10], bias=[10], running_mean=[10], running_var=[10])
conv3 = Conv(bn2; weight=[10, 10, 1, 1])
bn3 = BatchNormalization(conv3; weight=[10], bias=[10], running_mean=[10], running_var=[10])
head = Conv(bn3; weight=[2, 10, 1, 1])
return head
)";

/// How many channels of a layer may be removed.
int64_t prunable(const Analyzed& net, std::string_view layer) {
  int64_t count = 0;
  for (const ChannelId set : net.made(layer)) count += net.groups.pinned(set) ? 0 : 1;
  return count;
}

TEST(ChannelScope, GoldenS16ForceGroupTiesWhatOneEntryMatches) {
  const Analyzed apart(kChain);
  EXPECT_EQ(apart.tied("conv2"), Names{"conv2"});
  const Analyzed tied(kChain, {.tie = {"conv2|conv3"}});
  EXPECT_EQ(tied.tied("conv2"), (Names{"conv2", "conv3"}));
  EXPECT_EQ(tied.made("conv2"), tied.made("conv3"));
  EXPECT_EQ(tied.tied("conv1"), Names{"conv1"});
  const Analyzed two_pairs(kChain, {.tie = {"conv1|conv2", "conv2|conv3"}});
  EXPECT_EQ(two_pairs.tied("conv1"), (Names{"conv1", "conv2", "conv3"}));
}

TEST(ChannelScope, GoldenS16ForceGroupTiesPiecesOfAConcatPlaceByPlace) {
  // Google's code refuses layers of more than one slice; here the pieces are tied as they lie.
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[2, 3, 1, 1])
b = Conv(x; weight=[3, 3, 1, 1])
cat = Concat(a, b) axis=1
c = Conv(x; weight=[5, 3, 1, 1])
sum = Add(cat, c)
d = Conv(sum; weight=[5, 5, 1, 1])
head = Conv(d; weight=[2, 5, 1, 1])
return head
)",
                     {.tie = {"c|d"}});
  EXPECT_EQ(net.tied("a"), (Names{"a", "b", "c", "d"}));
  EXPECT_EQ(net.made("d"), net.ids("cat"));
}

TEST(ChannelScope, GoldenS16ForceGroupRefusesDifferentSizes) {
  EXPECT_ERROR(Analyzed(kChain, {.tie = {"conv3|head"}}),
               "--tie: 'conv3|head' matches layers of different sizes: 'conv3' has 10 channels, "
               "'head' has 2");
}

TEST(ChannelScope, TieNeedsTwoLayers) {
  EXPECT_ERROR(Analyzed(kChain, {.tie = {"conv2"}}), "matches one layer only, 'conv2'");
  EXPECT_ERROR(Analyzed(kChain, {.tie = {"cnov2"}}),
               "--tie: 'cnov2' matches no layer; patterns are regular expressions for the whole "
               "name. Did you mean 'conv2'?");
}

TEST(ChannelScope, GoldenS17BlacklistPinsTheLayerItNames) {
  const Analyzed net(kChain, {.keep = {"conv2"}});
  EXPECT_EQ(net.pinned("conv2", 9), "kept by --keep conv2");
  EXPECT_EQ(net.group("conv2").prunable, 0);
  EXPECT_EQ(net.groups.pinned_at(net.made("conv2")[0]), net.id("conv2"));
  EXPECT_EQ(prunable(net, "conv1"), 10);
}

TEST(ChannelScope, GoldenS17BlacklistPinsWhatIsTiedToo) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
conv1 = Conv(x; weight=[5, 3, 1, 1])
conv2 = Conv(x; weight=[5, 3, 1, 1])
sum = Add(conv1, conv2)
head = Conv(sum; weight=[2, 5, 1, 1])
return head
)",
                     {.keep = {"conv1"}});
  EXPECT_EQ(net.pinned("conv2"), "kept by --keep conv1");
  EXPECT_EQ(net.group("conv2").prunable, 0);
}

TEST(ChannelScope, GoldenS17EveryPatternOfTheBlacklistMustMatch) {
  EXPECT_ERROR(Analyzed(kChain, {.keep = {"conv2", "oops"}}), "--keep: 'oops' matches no layer");
  EXPECT_ERROR(Analyzed(kChain, {.keep = {"bn1"}}),
               "--keep: 'bn1' matches no layer, only [bn1: BatchNormalization]; name the "
               "convolution or dense layer");
  EXPECT_ERROR(Analyzed(kChain, {.keep = {"conv("}}),
               "--keep: 'conv(' is not a regular expression");
}

TEST(ChannelScope, PatternsMatchWholeNames) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
conv1 = Conv(x; weight=[4, 3, 1, 1])
conv10 = Conv(conv1; weight=[4, 4, 1, 1])
head = Conv(conv10; weight=[2, 4, 1, 1])
return head
)",
                     {.keep = {"conv1"}});
  EXPECT_EQ(prunable(net, "conv1"), 0);
  EXPECT_EQ(prunable(net, "conv10"), 4);
}

TEST(ChannelScope, WhatLiesBeforeTheInputBoundaryIsPinned) {
  const Analyzed net(kChain, {.from = {"bn1"}});
  EXPECT_EQ(net.pinned("conv1"), "outside the boundary");
  EXPECT_EQ(prunable(net, "conv2"), 10);
  EXPECT_EQ(prunable(net, "conv3"), 10);
}

TEST(ChannelScope, WhatLiesBehindTheOutputBoundaryIsPinned) {
  const Analyzed net(kChain, {.until = {"bn2"}});
  EXPECT_EQ(prunable(net, "conv1"), 10);
  EXPECT_EQ(prunable(net, "conv2"), 10);
  EXPECT_EQ(net.pinned("conv3"), "outside the boundary");
  EXPECT_EQ(net.pinned("head"), "network output");
}

TEST(ChannelScope, AnInnerBoundaryIsEnteredByAnotherPath) {
  // As in Google's testInputBoundary: what another way leads to is inside.
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[4, 3, 1, 1])
b = Conv(a; weight=[4, 4, 1, 1])
c = Conv(b; weight=[4, 4, 1, 1])
d = Conv(a; weight=[4, 4, 1, 1])
cat = Concat(c, d) axis=1
head = Conv(cat; weight=[2, 8, 1, 1])
return head
)",
                     {.from = {"c"}});
  EXPECT_EQ(prunable(net, "a"), 4);
  EXPECT_EQ(net.pinned("b"), "outside the boundary");
  EXPECT_EQ(net.pinned("c"), "outside the boundary");
  EXPECT_EQ(prunable(net, "d"), 4);
}

TEST(ChannelScope, BoundariesMustMatchANode) {
  EXPECT_ERROR(Analyzed(kChain, {.from = {"bn9"}}),
               "--from: 'bn9' matches no node. Did you mean 'bn1'?");
  EXPECT_ERROR(Analyzed(kChain, {.until = {"zzz"}}), "--until: 'zzz' matches no node.");
}

TEST(ChannelScope, GoldenS14BranchThatNoOutputNeedsIsNotLearned) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[4, 3, 1, 1])
side = Conv(a; weight=[4, 4, 1, 1])
extra = Conv(side; weight=[4, 4, 1, 1])
sum = Add(a, extra)
head = Conv(a; weight=[2, 4, 1, 1])
return head
)");
  EXPECT_EQ(net.pinned("side"), "no path to an output");
  EXPECT_EQ(net.pinned("extra"), "");  // Its channels are those of a.
  EXPECT_EQ(prunable(net, "a"), 4);
}

TEST(ChannelScope, OutputsMayBeFreeButInputsStay) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[3, 3, 1, 1])
sum = Add(a, x)
head = Conv(sum; weight=[2, 3, 1, 1])
return head
)",
                     {.outputs = OutputChannels::kFree});
  EXPECT_EQ(prunable(net, "head"), 2);
  EXPECT_EQ(net.pinned("a"), "network input");
}

TEST(ChannelScope, LeastWidthsComeFromTheLastLimitThatMatches) {
  const Analyzed net(kChain,
                     {.min_width = {{.amount = 4}, {.layers = "conv2", .amount = 6}},
                      .max_reduction = {{.layers = "conv3", .amount = 0.25}}});
  EXPECT_EQ(net.groups.least_width(net.id("conv1")), 4);
  EXPECT_EQ(net.groups.least_width(net.id("conv2")), 6);
  EXPECT_EQ(net.groups.least_width(net.id("conv3")), 8);  // Of 10, a quarter is 2 whole channels.
  EXPECT_EQ(net.groups.least_width(net.id("head")), 2);   // It has no more.
  EXPECT_EQ(net.groups.least_width(net.id("bn1")), 0);
}

TEST(ChannelScope, SharesAreNotRoundedAgainstTheUser) {
  const Analyzed net(kChain, {.max_reduction = {{.amount = 0.7}}});
  EXPECT_EQ(net.groups.least_width(net.id("conv1")), 3);  // 10 · 0.7 is 7.000000000000001 or less.
}

TEST(ChannelScope, LayerThatMayLoseNothingIsPinned) {
  const Analyzed by_width(kChain, {.min_width = {{.layers = "conv1", .amount = 64}}});
  EXPECT_EQ(by_width.pinned("conv1"), "limited to the 10 channels it has");
  EXPECT_EQ(prunable(by_width, "conv2"), 10);
  const Analyzed by_share(kChain, {.max_reduction = {{.layers = "conv[12]", .amount = 0}}});
  EXPECT_EQ(prunable(by_share, "conv2"), 0);
  EXPECT_EQ(prunable(by_share, "conv3"), 10);
}

TEST(ChannelScope, LimitsOutOfRangeAreRefused) {
  EXPECT_ERROR(Analyzed(kChain, {.min_width = {{.amount = 0}}}),
               "--min-width: expected a whole number from 1 up, got 0");
  EXPECT_ERROR(Analyzed(kChain, {.min_width = {{.amount = 2.5}}}), "got 2.5");
  EXPECT_ERROR(Analyzed(kChain, {.max_reduction = {{.amount = 1.5}}}),
               "--max-reduction: expected a share from 0 to 1, got 1.5");
  EXPECT_ERROR(Analyzed(kChain, {.max_reduction = {{.amount = -0.1}}}), "got -0.1");
  EXPECT_ERROR(Analyzed(kChain, {.min_width = {{.layers = "c", .amount = 1}}}),
               "--min-width: 'c' matches no layer");
}

TEST(ChannelScope, FirstChannelOfEveryLayerCanBeKept) {
  const Analyzed net(kChain, {.keep_first = true});
  EXPECT_EQ(net.pinned("conv1", 0), "first channel, kept by --keep-first");
  EXPECT_EQ(net.pinned("conv1", 1), "");
  EXPECT_EQ(prunable(net, "conv1"), 9);
}

TEST(ChannelScope, LimitsAreReadFromText) {
  EXPECT_EQ(parse_layer_limit("8", "--min-width"), (LayerLimit{.layers = ".*", .amount = 8}));
  EXPECT_EQ(parse_layer_limit("conv[1-3]=16", "--min-width"),
            (LayerLimit{.layers = "conv[1-3]", .amount = 16}));
  EXPECT_EQ(parse_layer_limit("a=b=0.5", "--max-reduction"),
            (LayerLimit{.layers = "a=b", .amount = 0.5}));
  EXPECT_ERROR(parse_layer_limit("conv1=wide", "--min-width"), "--min-width");
  EXPECT_ERROR(parse_layer_limit("=8", "--min-width"), "--min-width");
}

TEST(ChannelScope, IsDescribedByWhatItSays) {
  EXPECT_EQ(describe(ChannelScope{}).dump(), "{}");
  EXPECT_EQ(describe(ChannelScope{.tie = {"a|b"},
                                  .min_width = {{.layers = "a", .amount = 4}},
                                  .keep_first = true,
                                  .outputs = OutputChannels::kFree})
                .dump(),
            R"({"keep_first":true,"min_width":["a=4"],"outputs":"free","tie":["a|b"]})");
}

TEST(KeepLeastWidths, BringsBackTheStrongestChannels) {
  const Analyzed net(kChain, {.min_width = {{.layers = "conv1", .amount = 3}}});
  const Ids& made = net.made("conv1");
  std::vector<double> values(static_cast<size_t>(net.groups.set_count()), 0);
  values[static_cast<size_t>(made[4])] = 0.5;
  values[static_cast<size_t>(made[7])] = 0.9;
  std::vector<bool> alive(values.size(), true);
  for (const ChannelId set : made) alive[static_cast<size_t>(set)] = false;
  alive[static_cast<size_t>(made[2])] = true;
  const std::vector<bool> kept = keep_least_widths(net.groups, values, alive);
  std::vector<size_t> positions;
  for (size_t i = 0; i < made.size(); ++i) {
    if (kept[static_cast<size_t>(made[i])]) positions.push_back(i);
  }
  EXPECT_EQ(positions, (std::vector<size_t>{2, 4, 7}));
  EXPECT_EQ(keep_least_widths(net.groups, values, kept), kept);
}

TEST(KeepLeastWidths, LeavesLayersWithoutLimitsAlone) {
  const Analyzed net(kChain);
  const std::vector<double> values(static_cast<size_t>(net.groups.set_count()), 1);
  const std::vector<bool> none(values.size(), false);
  EXPECT_EQ(keep_least_widths(net.groups, values, none), none);
}

TEST(KeepLeastWidths, CountsAChannelAsOftenAsTheLayerHasIt) {
  const Analyzed net(R"(
x = Input() shape=[1, 3, 8, 8]
a = Conv(x; weight=[5, 3, 1, 1])
dw = Conv(a; weight=[10, 1, 3, 3]) group=5 pads=[1, 1, 1, 1]
head = Conv(dw; weight=[2, 10, 1, 1])
return head
)",
                     {.min_width = {{.layers = "dw", .amount = 4}}});
  const std::vector<double> values(static_cast<size_t>(net.groups.set_count()), 1);
  std::vector<bool> alive(values.size(), true);
  for (const ChannelId set : net.made("a")) alive[static_cast<size_t>(set)] = false;
  const std::vector<bool> kept = keep_least_widths(net.groups, values, alive);
  int64_t count = 0;
  for (const ChannelId set : net.made("dw")) count += kept[static_cast<size_t>(set)] ? 1 : 0;
  EXPECT_GE(count, 4);
}

}  // namespace
}  // namespace morph
