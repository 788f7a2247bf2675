#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "morph/base/error.h"
#include "morph/zoo/zoo.h"

namespace morph::zoo {
namespace {

using ::testing::IsSupersetOf;

std::set<std::string> tensors(const std::string& specification) {
  const Graph graph = build(specification);
  std::set<std::string> names;
  for (const Node& node : graph.nodes()) {
    for (const auto& [slot, param] : node.params) names.insert(param.tensor);
  }
  return names;
}

void expect_normalization(std::set<std::string>& names, const std::string& module) {
  for (const char* slot : {"weight", "bias", "running_mean", "running_var"}) {
    names.insert(module + "." + slot);
  }
}

// The keys of torchvision.models.resnet50().state_dict() but for num_batches_tracked, from its
// modules: conv1, bn1, layer1 to layer4 of Bottleneck, fc.
TEST(Names, OfResnet50AreAllTorchvisions) {
  std::set<std::string> expected = {"conv1.weight", "fc.weight", "fc.bias"};
  expect_normalization(expected, "bn1");
  const std::vector<int> blocks = {3, 4, 6, 3};
  for (size_t layer = 0; layer < blocks.size(); ++layer) {
    for (int block = 0; block < blocks[layer]; ++block) {
      const std::string name = cat("layer", layer + 1, ".", block);
      for (const char* i : {"1", "2", "3"}) {
        expected.insert(name + ".conv" + i + ".weight");
        expect_normalization(expected, name + ".bn" + i);
      }
      if (block > 0) continue;
      expected.insert(name + ".downsample.0.weight");
      expect_normalization(expected, name + ".downsample.1");
    }
  }
  EXPECT_EQ(expected.size(), 267U);
  EXPECT_EQ(tensors("resnet50"), expected);
}

// torchvision.models.vgg11_bn: Sequential of Conv2d (with bias), BatchNorm2d, ReLU, and MaxPool2d.
TEST(Names, OfVgg11AreAllTorchvisions) {
  std::set<std::string> expected;
  for (const int conv : {0, 4, 8, 11, 15, 18, 22, 25}) {
    expected.insert(cat("features.", conv, ".weight"));
    expected.insert(cat("features.", conv, ".bias"));
    expect_normalization(expected, cat("features.", conv + 1));
  }
  for (const int dense : {0, 3, 6}) {
    expected.insert(cat("classifier.", dense, ".weight"));
    expected.insert(cat("classifier.", dense, ".bias"));
  }
  EXPECT_EQ(tensors("vgg11_bn"), expected);
}

struct Known {
  const char* network;
  size_t count;  ///< Of all tensors: one a convolution, four a normalization, two a dense layer.
  std::vector<std::string> some;
};

class KnownNames : public ::testing::TestWithParam<Known> {};

TEST_P(KnownNames, AreThere) {
  const std::set<std::string> found = tensors(GetParam().network);
  EXPECT_EQ(found.size(), GetParam().count);
  EXPECT_THAT(found, IsSupersetOf(GetParam().some));
}

// Convolutions, normalizations and dense layers are counted from torchvision's sources.
INSTANTIATE_TEST_SUITE_P(Torchvision,
                         KnownNames,
                         ::testing::Values(Known{"resnet18",
                                                 20 * 5 + 2,
                                                 {"conv1.weight",
                                                  "bn1.running_mean",
                                                  "layer1.1.conv2.weight",
                                                  "layer2.0.downsample.0.weight",
                                                  "layer4.1.bn2.running_var",
                                                  "fc.bias"}},
                                           Known{"densenet121",
                                                 120 + 4 * 121 + 2,
                                                 {"features.conv0.weight",
                                                  "features.norm0.bias",
                                                  "features.denseblock1.denselayer1.norm1.weight",
                                                  "features.denseblock4.denselayer16.conv2.weight",
                                                  "features.transition3.norm.running_var",
                                                  "features.transition3.conv.weight",
                                                  "features.norm5.weight",
                                                  "classifier.weight",
                                                  "classifier.bias"}},
                                           Known{"inception_v3",
                                                 94 * 5 + 2,
                                                 {"Conv2d_1a_3x3.conv.weight",
                                                  "Conv2d_4a_3x3.bn.running_mean",
                                                  "Mixed_5b.branch5x5_2.conv.weight",
                                                  "Mixed_6a.branch3x3dbl_3.bn.bias",
                                                  "Mixed_6e.branch7x7dbl_5.conv.weight",
                                                  "Mixed_7a.branch7x7x3_4.conv.weight",
                                                  "Mixed_7c.branch3x3dbl_3b.bn.weight",
                                                  "Mixed_7c.branch_pool.conv.weight",
                                                  "fc.weight"}},
                                           Known{"mobilenet_v2",
                                                 52 * 5 + 2,
                                                 {"features.0.0.weight",
                                                  "features.0.1.running_var",
                                                  "features.1.conv.0.0.weight",
                                                  "features.1.conv.1.weight",
                                                  "features.1.conv.2.running_mean",
                                                  "features.17.conv.1.1.bias",
                                                  "features.17.conv.2.weight",
                                                  "features.17.conv.3.weight",
                                                  "features.18.0.weight",
                                                  "classifier.1.weight"}},
                                           Known{"mobilenet_v3_large",
                                                 46 * 5 + 8 * 4 + 4,
                                                 {"features.0.0.weight",
                                                  "features.1.block.1.0.weight",
                                                  "features.2.block.2.1.weight",
                                                  "features.4.block.2.fc1.weight",
                                                  "features.4.block.2.fc2.bias",
                                                  "features.4.block.3.0.weight",
                                                  "features.16.1.running_var",
                                                  "classifier.0.weight",
                                                  "classifier.3.bias"}},
                                           Known{"mobilenet_v3_small",
                                                 34 * 5 + 9 * 4 + 4,
                                                 {"features.1.block.0.0.weight",
                                                  "features.1.block.1.fc1.bias",
                                                  "features.1.block.2.0.weight",
                                                  "features.11.block.3.1.bias",
                                                  "features.12.0.weight",
                                                  "classifier.3.weight"}},
                                           Known{"efficientnet_b0",
                                                 49 * 5 + 16 * 4 + 2,
                                                 {"features.0.0.weight",
                                                  "features.1.0.block.0.0.weight",
                                                  "features.1.0.block.1.fc1.weight",
                                                  "features.1.0.block.2.1.weight",
                                                  "features.6.3.block.2.fc2.bias",
                                                  "features.7.0.block.3.0.weight",
                                                  "features.8.1.running_mean",
                                                  "classifier.1.weight"}},
                                           Known{"shufflenet_v2_x1_0",
                                                 56 * 5 + 2,
                                                 {"conv1.0.weight",
                                                  "conv1.1.running_mean",
                                                  "stage2.0.branch1.0.weight",
                                                  "stage2.0.branch1.3.weight",
                                                  "stage2.0.branch2.0.weight",
                                                  "stage3.7.branch2.3.weight",
                                                  "stage3.7.branch2.4.running_var",
                                                  "stage4.3.branch2.6.bias",
                                                  "conv5.0.weight",
                                                  "conv5.1.weight",
                                                  "fc.weight"}}),
                         [](const auto& param) { return std::string(param.param.network); });

}  // namespace
}  // namespace morph::zoo
