#include "morph/analysis/carried_scope.h"

#include <string>
#include <vector>

#include "analyzed.h"
#include <gtest/gtest.h>

namespace morph {
namespace {

constexpr const char* kSeed = R"(
x = Input() shape=[1, 3, 8, 8]
a.1 = Conv(x; weight=[8, 3, 1, 1])
b = Conv(a.1; weight=[6, 8, 1, 1])
c = Conv(b; weight=[8, 6, 1, 1])
sum = Add(a.1, c)
d = Conv(sum; weight=[8, 8, 1, 1])
head = Conv(d; weight=[2, 8, 1, 1])
return head
)";

/// The seed without b and c, and with fewer channels elsewhere.
constexpr const char* kRest = R"(
x = Input() shape=[1, 3, 8, 8]
a.1 = Conv(x; weight=[5, 3, 1, 1])
d = Conv(a.1; weight=[6, 5, 1, 1])
head = Conv(d; weight=[2, 6, 1, 1])
return head
)";

TEST(CarriedScope, ShareOfTheSeedStaysAShareOfTheSeed) {
  const ChannelScope scope{.min_width = {{.layers = "b", .amount = 2}},
                           .max_reduction = {{.layers = "a.1|d", .amount = 0.5}}};
  const Analyzed rest(kRest, carried_scope(scope, graph_of(kSeed), graph_of(kRest)));
  EXPECT_EQ(rest.groups.least_width(rest.id("a.1")), 4);
  EXPECT_EQ(rest.groups.least_width(rest.id("d")), 4);
  EXPECT_EQ(rest.groups.least_width(rest.id("head")), 0);
}

TEST(CarriedScope, PatternsForLayersThatAreGoneAreDropped) {
  const ChannelScope scope{.tie = {"a.1|d", "c|d"}, .keep = {"b", "head"}};
  const ChannelScope carried = carried_scope(scope, graph_of(kSeed), graph_of(kRest));
  EXPECT_EQ(carried.tie, std::vector<std::string>{"a.1|d"});
  EXPECT_EQ(carried.keep, std::vector<std::string>{"head"});
}

TEST(CarriedScope, BoundaryStaysWhereItsNodesAreGone) {
  const ChannelScope scope{.until = {"sum"}};
  const Analyzed rest(kRest, carried_scope(scope, graph_of(kSeed), graph_of(kRest)));
  EXPECT_EQ(rest.pinned("a.1"), "");
  EXPECT_EQ(rest.pinned("d"), "outside the boundary");
}

TEST(CarriedScope, NamesAreNotReadAsPatterns) {
  const ChannelScope scope{.min_width = {{.amount = 1}}};
  const ChannelScope carried = carried_scope(scope, graph_of(kSeed), graph_of(kSeed));
  EXPECT_EQ(carried.min_width.front().layers, "a\\.1");
}

}  // namespace
}  // namespace morph
