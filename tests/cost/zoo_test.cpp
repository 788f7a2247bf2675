// Whole networks by the original's rules, recounted from their published layer tables.
#include "morph/zoo/zoo.h"

#include <string>

#include <gtest/gtest.h>

#include "morph/cost/network_cost.h"

namespace morph {
namespace {

struct Totals {
  const char* network;
  double flops;
  double weights;
  double channels;  ///< 0 if the page does not say.
};

class GoldenSection13 : public ::testing::TestWithParam<Totals> {};

TEST_P(GoldenSection13, TotalsOfWholeNetworks) {
  const Graph graph = zoo::build(GetParam().network);
  for (const Compat compat : {Compat::kNone, Compat::kMorphNet}) {
    const auto total = [&](const char* cost) {
      return network_cost(graph, *make_cost_model(cost, {.compat = compat}));
    };
    EXPECT_EQ(total("flops"), GetParam().flops);
    EXPECT_EQ(total("weights"), GetParam().weights);
    if (GetParam().channels > 0) {
      EXPECT_EQ(total("channels"), GetParam().channels);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    ResNets,
    GoldenSection13,
    ::testing::Values(
        Totals{"resnet50?stride=last", 6964510720, 25502912, 27560},
        Totals{"resnet50?stride=1x1", 7715946496, 25502912, 27560},
        Totals{"resnet50?stride=3x3", 8178368512, 25502912, 27560},
        Totals{"resnet101?stride=last", 14388953088, 44442816, 53672},
        Totals{"resnet101?stride=1x1", 15140388864, 44442816, 53672},
        Totals{"resnet101?stride=3x3", 15602810880, 44442816, 53672},
        Totals{"resnet152?stride=last", 21813395456, 60040384, 76712},
        Totals{"resnet152?stride=1x1", 22564831232, 60040384, 76712},
        Totals{"resnet152?stride=3x3", 23027253248, 60040384, 76712},
        Totals{"resnet50?stride=3x3&classes=1001", 8178368512 + 4096, 25502912 + 2048, 27561}));

INSTANTIATE_TEST_SUITE_P(
    MobileNets,
    GoldenSection13,
    ::testing::Values(Totals{"mobilenet_v1?classes=1001", 1137482752, 4210112, 0},
                      Totals{"mobilenet_v1?classes=1001&width=0.5", 298995200, 1320160, 0},
                      Totals{"mobilenet_v1?classes=1001&width=0.25", 82061056, 463856, 0}));

// Its classifier reads the mean of the map, so that it is counted once by any rule.
INSTANTIATE_TEST_SUITE_P(InceptionV2,
                         GoldenSection13,
                         ::testing::Values(Totals{
                             "inception_v2?classes=1001", 3869716480, 11168408, 0}));

}  // namespace
}  // namespace morph
