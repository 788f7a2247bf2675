#include "morph/analysis/alive_counts.h"

#include <string>
#include <vector>

#include "analyzed.h"
#include "expect_error.h"
#include "temporary_folder.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "morph/base/file.h"

namespace morph {
namespace {

using Names = std::vector<std::string>;

/// The four layers of the original's exporter test, in a row.
constexpr const char* kFour = R"(
x = Input() shape=[1, 3, 8, 8]
X/c1 = Conv(x; weight=[3, 3, 1, 1])
X/c2 = Conv(x; weight=[4, 3, 1, 1])
X/c4 = Conv(x; weight=[2, 3, 1, 1])
X/dw = Conv(X/c4; weight=[2, 1, 3, 3]) group=2 pads=[1, 1, 1, 1]
all = Concat(X/c1, X/c2, X/dw) axis=1
pool = GlobalAveragePool(all)
flat = Flatten(pool)
X/fc = Gemm(flat; weight=[5, 9], bias=[5])
return X/fc
)";

TEST(AliveCounts, GoldenE1SortedCountsUnderTheOriginalsNames) {
  const Analyzed net(kFour);
  const Structure structure{.layers = {{"X/c1", {.alive = {true, true, true}}},
                                       {"X/c2", {.alive = {false, false, false, false}}},
                                       {"X/c4", {.alive = {false, true}}}}};
  EXPECT_EQ(format_alive_counts(alive_counts(net.graph, net.groups, structure)),
            "{\n"
            "  \"X/c1/Conv2D\": 3,\n"
            "  \"X/c2/Conv2D\": 0,\n"
            "  \"X/c4/Conv2D\": 1,\n"
            "  \"X/fc/MatMul\": 5\n"
            "}");
}

TEST(AliveCounts, GoldenE2OneFileAStep) {
  const TemporaryFolder folder;
  const AliveCounts early = {{"a/Conv2D", 7}};
  EXPECT_EQ(write_alive_counts(folder / "ee", 19, early), folder / "ee/learned_structure/alive_19");
  write_alive_counts(folder / "ee", 1009, {{"a/Conv2D", 2}});
  const auto read = [&](const char* name) {
    return alive_counts_from_json(
        nlohmann::json::parse(read_file(folder / "ee/learned_structure" / name)));
  };
  EXPECT_EQ(read("alive_19"), early);
  EXPECT_EQ(read("alive_1009"), (AliveCounts{{"a/Conv2D", 2}}));
}

TEST(AliveCounts, GoldenE3OnlyTheFirstCommonComponentGoes) {
  EXPECT_EQ(without_common_prefix({"abc/x", "abc/y", "abc/z"}), (Names{"x", "y", "z"}));
  EXPECT_EQ(without_common_prefix({"abc/x", "abc/x", "abd/x"}), (Names{"abc/x", "abc/x", "abd/x"}));
  EXPECT_EQ(without_common_prefix({"a", "a"}), (Names{"a", "a"}));
  EXPECT_EQ(without_common_prefix({"/x", "/x"}), (Names{"x", "x"}));
  EXPECT_EQ(without_common_prefix({"abc/x/", "abc/y"}), (Names{"x/", "y"}));
  EXPECT_EQ(without_common_prefix({"a/b/c", "a/b/d"}), (Names{"b/c", "b/d"}));
  EXPECT_TRUE(without_common_prefix({}).empty());
}

TEST(AliveCounts, GoldenE4MasksOfOtherLayersAreRefused) {
  const Analyzed net(kFour);
  const Structure other{.layers = {{"Y/c1", {.alive = {true, true, true}}}}};
  EXPECT_ERROR(alive_counts(net.graph, net.groups, other), "the structure names 'Y/c1'");
}

TEST(AliveCounts, NamesAreReadWithAndWithoutTheOpBehindThem) {
  const Analyzed net(kFour);
  EXPECT_EQ(counts_by_layer(net.graph,
                            net.groups,
                            {{"X/c1/Conv2D", 1},
                             {"X/c2", 2},
                             {"X/c4/ConfigurableConv2D", 1},
                             {"X/fc/Tensordot/MatMul", 5}}),
            (AliveCounts{{"X/c1", 1}, {"X/c2", 2}, {"X/c4", 1}, {"X/fc", 5}}));
  EXPECT_EQ(counts_by_layer(net.graph, net.groups, {{"X/c1/separable_conv2d", 1}}),
            (AliveCounts{{"X/c1", 1}}));
}

TEST(AliveCounts, GoldenC13ACommonPrefixIsRemovedOnce) {
  const Analyzed net(kFour);
  EXPECT_EQ(counts_by_layer(
                net.graph, net.groups, {{"morphnet/X/c1/Conv2D", 3}, {"morphnet/X/c2/Conv2D", 2}}),
            (AliveCounts{{"X/c1", 3}, {"X/c2", 2}}));
  // The original leaves such a file without effect; here nothing is ignored in silence.
  EXPECT_ERROR(counts_by_layer(net.graph, net.groups, {{"multiple/common/prefixes/X/c1", 3}}),
               "the structure names 'multiple/common/prefixes/X/c1', which is no layer");
}

TEST(AliveCounts, UnknownAndDoubleNamesAreRefused) {
  const Analyzed net(kFour);
  EXPECT_ERROR(counts_by_layer(net.graph, net.groups, {{"X/c1", 3}, {"X/c3", 1}}),
               "the structure names 'X/c3', which is no layer of the network");
  EXPECT_ERROR(counts_by_layer(net.graph, net.groups, {{"X/c1", 3}, {"pool", 1}}),
               "the structure names 'pool'");
  EXPECT_ERROR(counts_by_layer(net.graph, net.groups, {{"X/c1", 3}, {"X/c1/Conv2D", 2}}),
               "names the layer 'X/c1' twice, once as 'X/c1/Conv2D'");
}

TEST(AliveCounts, WhatIsNoCountIsRefused) {
  const auto parse = [](const char* text) {
    return alive_counts_from_json(nlohmann::json::parse(text));
  };
  EXPECT_EQ(parse(R"({"a": 0, "b": 12})"), (AliveCounts{{"a", 0}, {"b", 12}}));
  EXPECT_ERROR(parse("[1, 2]"), "not a structure file");
  EXPECT_ERROR(parse(R"({"a": -1})"),
               "structure: layer 'a': expected how many channels are alive, a whole number from 0 "
               "up, got -1");
  EXPECT_ERROR(parse(R"({"a": 1.5})"), "got 1.5");
  EXPECT_ERROR(parse(R"({"a": "1"})"), "got \"1\"");
}

}  // namespace
}  // namespace morph
