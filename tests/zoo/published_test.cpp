#include "zoo/counts.h"
#include <gtest/gtest.h>

#include "morph/zoo/zoo.h"

namespace morph::zoo {
namespace {

struct Published {
  const char* specification;
  int64_t params;
};

std::ostream& operator<<(std::ostream& out, const Published& p) { return out << p.specification; }

class Parameters : public ::testing::TestWithParam<Published> {};

TEST_P(Parameters, AreAsPublished) {
  EXPECT_EQ(trainable_count(build(GetParam().specification)), GetParam().params);
}

// `num_params` in the metadata of torchvision's weights.
INSTANTIATE_TEST_SUITE_P(Torchvision,
                         Parameters,
                         ::testing::Values(Published{"resnet18", 11'689'512},
                                           Published{"resnet34", 21'797'672},
                                           Published{"resnet50", 25'557'032},
                                           Published{"resnet101", 44'549'160},
                                           Published{"resnet152", 60'192'808},
                                           Published{"wide_resnet50_2", 68'883'240},
                                           Published{"wide_resnet101_2", 126'886'696},
                                           Published{"resnext50_32x4d", 25'028'904},
                                           Published{"resnext101_32x8d", 88'791'336},
                                           Published{"densenet121", 7'978'856},
                                           Published{"densenet161", 28'681'000},
                                           Published{"densenet169", 14'149'480},
                                           Published{"densenet201", 20'013'928}));

// Stride, kind of stem and image size move no parameter.
INSTANTIATE_TEST_SUITE_P(DoNotDependOnStrides,
                         Parameters,
                         ::testing::Values(Published{"resnet50?stride=1x1", 25'557'032},
                                           Published{"resnet50?stride=last", 25'557'032},
                                           Published{"resnet50?input=3x320x256", 25'557'032},
                                           Published{"resnet50?input=3x32x32&stem=full",
                                                     25'557'032}));

struct Counted {
  const char* specification;
  int64_t flops;
  int64_t weights;
  int64_t channels;
};

std::ostream& operator<<(std::ostream& out, const Counted& c) { return out << c.specification; }

class Sizes : public ::testing::TestWithParam<Counted> {};

TEST_P(Sizes, AreAsCountedElsewhere) {
  const Graph graph = build(GetParam().specification);
  EXPECT_EQ(flops(graph), GetParam().flops);
  EXPECT_EQ(layer_weight_count(graph), GetParam().weights);
  EXPECT_EQ(channel_count(graph), GetParam().channels);
}

// An independent count from the articles' tables, 2 FLOPs per multiply-add, in TF-slim's, the
// original and torchvision's stride placement.
INSTANTIATE_TEST_SUITE_P(
    Resnet,
    Sizes,
    ::testing::Values(
        Counted{"resnet50?stride=last", 6'964'510'720, 25'502'912, 27'560},
        Counted{"resnet50?stride=1x1", 7'715'946'496, 25'502'912, 27'560},
        Counted{"resnet50", 8'178'368'512, 25'502'912, 27'560},
        Counted{"resnet101?stride=last", 14'388'953'088, 44'442'816, 53'672},
        Counted{"resnet101?stride=1x1", 15'140'388'864, 44'442'816, 53'672},
        Counted{"resnet101", 15'602'810'880, 44'442'816, 53'672},
        Counted{"resnet152?stride=last", 21'813'395'456, 60'040'384, 76'712},
        Counted{"resnet152?stride=1x1", 22'564'831'232, 60'040'384, 76'712},
        Counted{"resnet152", 23'027'253'248, 60'040'384, 76'712},
        Counted{"resnet50?classes=1001", 8'178'368'512 + 4'096, 25'502'912 + 2'048, 27'561}));

// What MorphNet's own test of this network expects of its FLOPs and model size.
INSTANTIATE_TEST_SUITE_P(InceptionV2,
                         Sizes,
                         ::testing::Values(Counted{
                             "inception_v2?classes=1001", 3'869'716'480, 11'168'408, 10'977}));

}  // namespace
}  // namespace morph::zoo
