#include "zoo/dead_parts.h"
#include <gtest/gtest.h>

#include "morph/nn/cut.h"
#include "morph/zoo/zoo.h"

namespace morph {
namespace {

/// What comes of cutting random weights, or the least that rounding in double precision explains.
void expect_equivalent(const Graph& graph, const std::vector<bool>& alive) {
  const ChannelGroups groups = find_channel_groups(graph);
  const Cut cut = cut_channels(graph, initial_params(graph, 3), groups, alive);
  EXPECT_LT(cut.equivalence, 1e-10);
}

class DeadPartsOfTheZoo : public ::testing::TestWithParam<zoo::DeadPart> {};

TEST_P(DeadPartsOfTheZoo, AreNotMissed) {
  const Graph graph = zoo::build(GetParam().network);
  const ChannelGroups groups = find_channel_groups(graph);
  expect_equivalent(graph, zoo::alive_without(graph, groups, GetParam().layers));
}

INSTANTIATE_TEST_SUITE_P(Zoo, DeadPartsOfTheZoo, ::testing::ValuesIn(zoo::dead_parts()));

class NetworksOfTheZoo : public ::testing::TestWithParam<const char*> {};

TEST_P(NetworksOfTheZoo, ComputeTheSameWhenCut) {
  const Graph graph = zoo::build(GetParam());
  const ChannelGroups groups = find_channel_groups(graph);
  for (const uint64_t seed : {1, 2}) {
    expect_equivalent(graph, zoo::most_alive(graph, groups, seed));
  }
}

INSTANTIATE_TEST_SUITE_P(Small,
                         NetworksOfTheZoo,
                         ::testing::Values("resnet8?width=0.5",
                                           "resnet18?width=0.125&input=3x32x32",
                                           "resnet50?width=0.125&input=3x32x32",
                                           "resnet50?width=0.125&input=3x32x32&stride=last",
                                           "resnext50_32x4d?width=0.25&input=3x16x16",
                                           "resnet_v2_50?width=0.125&input=3x32x32",
                                           "audio_resnet50?width=0.125&input=1x24x16",
                                           "densenet121?width=0.25&input=3x32x32",
                                           "inception_v2?width=0.125&input=3x32x32",
                                           "inception_v3?width=0.125&input=3x32x32",
                                           "mobilenet_v1?width=0.25&input=3x32x32",
                                           "mobilenet_v2?width=0.25&input=3x32x32",
                                           "mobilenet_v3_small?width=0.25&input=3x32x32",
                                           "mobilenet_v3_large?width=0.25&input=3x32x32",
                                           "efficientnet_b0?width=0.25&input=3x32x32",
                                           "shufflenet_v2_x0_5?input=3x32x32",
                                           "unet?width=0.125&input=3x32x32",
                                           "vgg11_bn?width=0.125&input=3x32x32"));

}  // namespace
}  // namespace morph
