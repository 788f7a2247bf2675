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
                                           Published{"densenet201", 20'013'928},
                                           Published{"inception_v3", 27'161'264 - 3'326'696},
                                           Published{"mobilenet_v2", 3'504'872},
                                           Published{"mobilenet_v3_large", 5'483'032},
                                           Published{"mobilenet_v3_small", 2'542'856},
                                           Published{"efficientnet_b0", 5'288'548},
                                           Published{"shufflenet_v2_x0_5", 1'366'792},
                                           Published{"shufflenet_v2_x1_0", 2'278'604},
                                           Published{"shufflenet_v2_x1_5", 3'503'624},
                                           Published{"shufflenet_v2_x2_0", 7'393'996},
                                           Published{"vgg11_bn", 132'868'840},
                                           Published{"vgg13_bn", 133'053'736},
                                           Published{"vgg16_bn", 138'365'992},
                                           Published{"vgg19_bn", 143'678'248}));

// Trainable parameters of Keras' ResNet50V2, ResNet101V2, ResNet152V2 and MobileNet.
INSTANTIATE_TEST_SUITE_P(Keras,
                         Parameters,
                         ::testing::Values(Published{"resnet_v2_50", 25'568'360},
                                           Published{"resnet_v2_101", 44'577'896},
                                           Published{"resnet_v2_152", 60'236'904},
                                           Published{"mobilenet_v1", 4'231'976}));

// UNet(n_channels=3, n_classes=1) and (1, 2) of github.com/milesial/Pytorch-UNet.
INSTANTIATE_TEST_SUITE_P(Unet,
                         Parameters,
                         ::testing::Values(Published{"unet?input=3x64x64&classes=1", 31'037'633},
                                           Published{"unet", 31'037'633 + 65 - 2 * 64 * 9}));

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

INSTANTIATE_TEST_SUITE_P(
    MobilenetV1,
    Sizes,
    ::testing::Values(
        Counted{"mobilenet_v1?classes=1001", 1'137'482'752, 4'210'112, 10'944 + 1'001},
        Counted{"mobilenet_v1?classes=1001&width=0.5", 298'995'200, 1'320'160, 5'472 + 1'001},
        Counted{"mobilenet_v1?classes=1001&width=0.25", 82'061'056, 463'856, 2'736 + 1'001}));

struct Rounded {
  const char* specification;
  double billions;
};

std::ostream& operator<<(std::ostream& out, const Rounded& r) { return out << r.specification; }

class MultiplyAdds : public ::testing::TestWithParam<Rounded> {};

TEST_P(MultiplyAdds, AreAsPublished) {
  const double found = static_cast<double>(flops(build(GetParam().specification))) / 2e9;
  EXPECT_NEAR(found, GetParam().billions, 0.0005);
}

// "GFLOPS" in torchvision's documentation, which are multiply-adds, rounded to three digits after
// the point.
INSTANTIATE_TEST_SUITE_P(Torchvision,
                         MultiplyAdds,
                         ::testing::Values(Rounded{"resnet18", 1.814},
                                           Rounded{"resnet34", 3.664},
                                           Rounded{"resnet50", 4.089},
                                           Rounded{"resnet101", 7.801},
                                           Rounded{"resnet152", 11.514},
                                           Rounded{"wide_resnet50_2", 11.398},
                                           Rounded{"wide_resnet101_2", 22.753},
                                           Rounded{"resnext50_32x4d", 4.230},
                                           Rounded{"resnext101_32x8d", 16.414},
                                           Rounded{"densenet121", 2.834},
                                           Rounded{"densenet161", 7.728},
                                           Rounded{"densenet169", 3.360},
                                           Rounded{"densenet201", 4.291},
                                           Rounded{"inception_v3", 5.713},
                                           Rounded{"mobilenet_v2", 0.301},
                                           Rounded{"mobilenet_v3_large", 0.217},
                                           Rounded{"mobilenet_v3_small", 0.057},
                                           Rounded{"efficientnet_b0", 0.386},
                                           Rounded{"shufflenet_v2_x0_5", 0.040},
                                           Rounded{"shufflenet_v2_x1_0", 0.145},
                                           Rounded{"shufflenet_v2_x1_5", 0.296},
                                           Rounded{"shufflenet_v2_x2_0", 0.583},
                                           Rounded{"vgg11_bn", 7.609},
                                           Rounded{"vgg13_bn", 11.308},
                                           Rounded{"vgg16_bn", 15.470},
                                           Rounded{"vgg19_bn", 19.632}));

// What MorphNet's own test of this network expects of its FLOPs and model size.
INSTANTIATE_TEST_SUITE_P(InceptionV2,
                         Sizes,
                         ::testing::Values(Counted{
                             "inception_v2?classes=1001", 3'869'716'480, 11'168'408, 10'977}));

}  // namespace
}  // namespace morph::zoo
