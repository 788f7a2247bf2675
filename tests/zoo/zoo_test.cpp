#include "morph/zoo/zoo.h"

#include <algorithm>
#include <set>

#include "expect_error.h"
#include "zoo/counts.h"

#include "morph/analysis/channel_groups.h"
#include "morph/ir/text.h"
#include "morph/ir/verify.h"
#include "morph/zoo/families.h"

namespace morph::zoo {
namespace {

TEST(CifarResnet, Resnet20HasThePublishedSize) {
  const Graph graph = build("resnet20");
  // Table 6 of the article gives 0.27 M for the network without projections, 269,722 in full. The
  // two projections add 16·32 + 32·64 weights and 2·(32 + 64) scales and shifts.
  EXPECT_EQ(trainable_count(graph), 269'722 + 2'560 + 192);
  // By hand, in multiply-adds: first layer 3·16·9·32²; 6 layers 16·16·9·32²; 2 stages of one
  // halving layer (32²/4 places), five others and a projection; dense layer 64·10.
  const int64_t first = 442'368;
  const int64_t stage1 = 6 * 2'359'296;
  const int64_t later_stage = 1'179'648 + 5 * 2'359'296 + 131'072;
  EXPECT_EQ(flops(graph), 2 * (first + stage1 + 2 * later_stage + 640));
  EXPECT_NEAR(static_cast<double>(flops(graph)), 81.6e6, 0.001 * 81.6e6);
}

TEST(CifarResnet, HasThePublishedSizesAtOtherDepths) {
  // Without projections: 0.46 M, 0.66 M, 0.85 M and 1.7 M for depths 32, 44, 56 and 110 (Table 6).
  // Each further block of a stage with C channels holds 18·C² + 4·C numbers.
  const int64_t one_more_each = 18 * (256 + 1024 + 4096) + 4 * (16 + 32 + 64);
  const int64_t resnet20 = trainable_count(build("resnet20"));
  for (const int64_t depth : {8, 14, 32, 44, 56, 110, 164}) {
    EXPECT_EQ(trainable_count(build_cifar_resnet("r", depth, {})),
              resnet20 + (depth - 20) / 6 * one_more_each)
        << depth;
  }
  EXPECT_NEAR(static_cast<double>(trainable_count(build("resnet56"))), 0.85e6, 0.01e6);
}

TEST(CifarResnet, RefusesOtherDepths) {
  EXPECT_ERROR(build_cifar_resnet("r", 18, {}), "depth 8, 14, …, 164, got 18");
  EXPECT_ERROR(build_cifar_resnet("r", 2, {}), "got 2");
  EXPECT_ERROR(build_cifar_resnet("r", 170, {}), "got 170");
}

TEST(CifarResnet, NamesTensorsAsAStateDictDoes) {
  const Graph graph = build("resnet8");
  std::set<std::string> tensors;
  for (const Node& node : graph.nodes()) {
    for (const auto& [slot, param] : node.params) tensors.insert(param.tensor);
  }
  for (const char* tensor : {"conv1.weight",
                             "bn1.running_mean",
                             "layer1.0.conv1.weight",
                             "layer1.0.bn2.bias",
                             "layer2.0.downsample.0.weight",
                             "layer2.0.downsample.1.running_var",
                             "layer3.0.conv2.weight",
                             "fc.weight",
                             "fc.bias"}) {
    EXPECT_EQ(tensors.count(tensor), 1U) << tensor;
  }
  EXPECT_EQ(tensors.count("layer1.0.downsample.0.weight"), 0U);
  EXPECT_EQ(tensors.count("conv1.bias"), 0U);
}

TEST(CifarResnet, Resnet8IsThisGraph) {
  EXPECT_EQ(print_graph(build("resnet8?width=0.25&input=1x8x8")), R"(morph 1
network "resnet8"
input = Input() shape=[1, 1, 8, 8] -> [1, 1, 8, 8]
conv1 = Conv(input; weight=[4, 1, 3, 3]) pads=[1, 1, 1, 1] -> [1, 4, 8, 8]
bn1 = BatchNormalization(conv1; bias=[4], running_mean=[4], running_var=[4], weight=[4]) -> [1, 4, 8, 8]
relu = Relu(bn1) -> [1, 4, 8, 8]
layer1.0.conv1 = Conv(relu; weight=[4, 4, 3, 3]) pads=[1, 1, 1, 1] -> [1, 4, 8, 8]
layer1.0.bn1 = BatchNormalization(layer1.0.conv1; bias=[4], running_mean=[4], running_var=[4], weight=[4]) -> [1, 4, 8, 8]
layer1.0.relu1 = Relu(layer1.0.bn1) -> [1, 4, 8, 8]
layer1.0.conv2 = Conv(layer1.0.relu1; weight=[4, 4, 3, 3]) pads=[1, 1, 1, 1] -> [1, 4, 8, 8]
layer1.0.bn2 = BatchNormalization(layer1.0.conv2; bias=[4], running_mean=[4], running_var=[4], weight=[4]) -> [1, 4, 8, 8]
layer1.0.add = Add(layer1.0.bn2, relu) -> [1, 4, 8, 8]
layer1.0.relu2 = Relu(layer1.0.add) -> [1, 4, 8, 8]
layer2.0.conv1 = Conv(layer1.0.relu2; weight=[8, 4, 3, 3]) pads=[1, 1, 1, 1] strides=[2, 2] -> [1, 8, 4, 4]
layer2.0.bn1 = BatchNormalization(layer2.0.conv1; bias=[8], running_mean=[8], running_var=[8], weight=[8]) -> [1, 8, 4, 4]
layer2.0.relu1 = Relu(layer2.0.bn1) -> [1, 8, 4, 4]
layer2.0.conv2 = Conv(layer2.0.relu1; weight=[8, 8, 3, 3]) pads=[1, 1, 1, 1] -> [1, 8, 4, 4]
layer2.0.bn2 = BatchNormalization(layer2.0.conv2; bias=[8], running_mean=[8], running_var=[8], weight=[8]) -> [1, 8, 4, 4]
layer2.0.downsample.0 = Conv(layer1.0.relu2; weight=[8, 4, 1, 1]) strides=[2, 2] -> [1, 8, 4, 4]
layer2.0.downsample.1 = BatchNormalization(layer2.0.downsample.0; bias=[8], running_mean=[8], running_var=[8], weight=[8]) -> [1, 8, 4, 4]
layer2.0.add = Add(layer2.0.bn2, layer2.0.downsample.1) -> [1, 8, 4, 4]
layer2.0.relu2 = Relu(layer2.0.add) -> [1, 8, 4, 4]
layer3.0.conv1 = Conv(layer2.0.relu2; weight=[16, 8, 3, 3]) pads=[1, 1, 1, 1] strides=[2, 2] -> [1, 16, 2, 2]
layer3.0.bn1 = BatchNormalization(layer3.0.conv1; bias=[16], running_mean=[16], running_var=[16], weight=[16]) -> [1, 16, 2, 2]
layer3.0.relu1 = Relu(layer3.0.bn1) -> [1, 16, 2, 2]
layer3.0.conv2 = Conv(layer3.0.relu1; weight=[16, 16, 3, 3]) pads=[1, 1, 1, 1] -> [1, 16, 2, 2]
layer3.0.bn2 = BatchNormalization(layer3.0.conv2; bias=[16], running_mean=[16], running_var=[16], weight=[16]) -> [1, 16, 2, 2]
layer3.0.downsample.0 = Conv(layer2.0.relu2; weight=[16, 8, 1, 1]) strides=[2, 2] -> [1, 16, 2, 2]
layer3.0.downsample.1 = BatchNormalization(layer3.0.downsample.0; bias=[16], running_mean=[16], running_var=[16], weight=[16]) -> [1, 16, 2, 2]
layer3.0.add = Add(layer3.0.bn2, layer3.0.downsample.1) -> [1, 16, 2, 2]
layer3.0.relu2 = Relu(layer3.0.add) -> [1, 16, 2, 2]
avgpool = GlobalAveragePool(layer3.0.relu2) -> [1, 16, 1, 1]
flatten = Flatten(avgpool) -> [1, 16]
fc = Gemm(flatten; bias=[10], weight=[10, 16]) -> [1, 10]
return fc
)");
}

TEST(Mlp, HasTwoHiddenLayersWithGates) {
  const Graph graph = build("mlp?input=1x28x28");
  EXPECT_EQ(named(graph, "fc1").params.at("weight").shape, (Shape{256, 784}));
  EXPECT_EQ(named(graph, "fc2").params.at("weight").shape, (Shape{128, 256}));
  EXPECT_EQ(named(graph, "fc3").params.at("weight").shape, (Shape{10, 128}));
  EXPECT_EQ(named(graph, "bn1").shape, (Shape{1, 256}));
  EXPECT_EQ(trainable_count(graph), 784 * 256 + 512 + 256 * 128 + 256 + 128 * 10 + 10);
  EXPECT_EQ(flops(graph), 2 * (784 * 256 + 256 * 128 + 128 * 10));
}

TEST(Mlp, ReadsVectors) {
  const Graph graph = build("mlp?input=13&classes=3&width=0.1");
  EXPECT_EQ(named(graph, "fc1").params.at("weight").shape, (Shape{26, 13}));
  EXPECT_EQ(graph[graph.outputs()[0]].shape, (Shape{1, 3}));
}

TEST(InceptionSmall, ConcatenatesTowersBetweenPools) {
  const Graph graph = build("inception_small");
  EXPECT_EQ(named(graph, "stem.relu").shape, (Shape{1, 32, 32, 32}));
  EXPECT_EQ(named(graph, "mixed1.concat").shape, (Shape{1, 16 + 24 + 24 + 16, 16, 16}));
  EXPECT_EQ(named(graph, "mixed2.concat").shape, (Shape{1, 32 + 48 + 48 + 32, 16, 16}));
  EXPECT_EQ(named(graph, "mixed3.concat").shape, (Shape{1, 48 + 64 + 64 + 48, 8, 8}));
  EXPECT_EQ(named(graph, "mixed1.concat").inputs.size(), 4U);
  EXPECT_EQ(named(graph, "mixed1.branch3x3_2.bn").params.at("weight").tensor,
            "mixed1.branch3x3_2.bn.weight");
  // By hand, multiply-adds for each place: stem 3·9·32; block 1 reads 32, block 2 80, block 3 160.
  const int64_t block1 = 4 * 32 * 16 + 2 * 16 * 24 * 9 + 24 * 24 * 9;
  const int64_t block2 = 4 * 80 * 32 + 2 * 32 * 48 * 9 + 48 * 48 * 9;
  const int64_t block3 = 4 * 160 * 48 + 2 * 48 * 64 * 9 + 64 * 64 * 9;
  EXPECT_EQ(flops(graph), 2 * (864 * 1024 + block1 * 256 + block2 * 256 + block3 * 64 + 224 * 10));
}

TEST(InceptionSmall, EveryConvolutionHasABatchNormalization) {
  const Graph graph = build("inception_small?input=1x28x28");
  const auto readers = consumers(graph);
  for (const NodeId id : graph.ids()) {
    if (graph[id].op != "Conv") continue;
    ASSERT_EQ(readers[index(id)].size(), 1U);
    EXPECT_EQ(graph[readers[index(id)][0]].op, "BatchNormalization") << graph[id].name;
  }
  EXPECT_EQ(named(graph, "mixed3.concat").shape, (Shape{1, 224, 7, 7}));
}

TEST(Zoo, EveryNetworkIsAGraphInOrderAndRoundTrips) {
  std::set<std::string> names;
  for (const Entry& entry : networks()) {
    SCOPED_TRACE(entry.name);
    EXPECT_TRUE(names.insert(entry.name).second);
    EXPECT_FALSE(entry.description.empty());
    for (const char* options : {"", "?width=0.01", "?width=1.5&classes=7", "?input=1x32x32"}) {
      const Graph graph = build(entry.name + options);
      EXPECT_EQ(graph.name(), entry.name);
      EXPECT_NO_THROW(verify(graph));
      EXPECT_EQ(parse_graph(print_graph(graph)), graph);
      for (const Node& node : graph.nodes()) EXPECT_FALSE(node.shape.empty()) << node.name;
      EXPECT_EQ(consumers(graph).back().size(), 0U);
    }
  }
  EXPECT_THAT(names, ::testing::IsSupersetOf({"resnet8", "resnet20", "resnet56", "mlp"}));
}

TEST(Stem, LeavesOutTwoHalvingsForSmallImages) {
  const auto last_map = [](const std::string& specification) {
    const Graph graph = build(specification);
    return graph[named(graph, "avgpool").inputs[0]].shape[2];
  };
  for (const Entry& entry : networks()) {
    const bool has_stem = std::ranges::any_of(
        entry.choices, [](const Choice& choice) { return choice.name == "stem"; });
    if (!has_stem || entry.name == "inception_v3") continue;
    SCOPED_TRACE(entry.name);
    EXPECT_EQ(last_map(entry.name), 7);                                   // 224 / 32
    EXPECT_EQ(last_map(entry.name + "?input=3x32x32"), 4);                // 32 / 8
    EXPECT_EQ(last_map(entry.name + "?input=3x64x96"), 8);                // 64 / 8
    EXPECT_EQ(last_map(entry.name + "?input=3x96x96"), 3);                // 96 / 32
    EXPECT_EQ(last_map(entry.name + "?input=3x64x64&stem=full"), 2);      // 64 / 32
    EXPECT_EQ(last_map(entry.name + "?input=3x224x224&stem=small"), 28);  // 224 / 8
  }
  // Without padding: 299 → 149, 147, 73, 71, 35, 17, 8; 32 → 30, 28, 26, 12, 5, 2.
  EXPECT_EQ(last_map("inception_v3"), 8);
  EXPECT_EQ(last_map("inception_v3?input=3x32x32"), 2);
}

TEST(Stem, IsA3x3ForSmallImages) {
  const Shape kernel = {64, 3, 3, 3};
  EXPECT_EQ(named(build("resnet50?input=3x32x32"), "conv1").params.at("weight").shape, kernel);
  EXPECT_EQ(named(build("resnet_v2_50?stem=small"), "conv1").params.at("weight").shape, kernel);
  EXPECT_EQ(named(build("densenet121?stem=small"), "features.conv0").params.at("weight").shape,
            kernel);
  const Graph inception = build("inception_v2?stem=small&first=plain");
  EXPECT_EQ(named(inception, "Conv2d_1a_7x7.conv").params.at("weight").shape, kernel);
}

TEST(InceptionV2, FiltersColoursApartUnlessAskedNotTo) {
  const auto weight = [](const std::string& specification, const std::string& layer) {
    return named(build(specification), layer).params.at("weight").shape;
  };
  EXPECT_EQ(weight("inception_v2", "Conv2d_1a_7x7.depthwise"), (Shape{24, 1, 7, 7}));
  EXPECT_EQ(weight("inception_v2", "Conv2d_1a_7x7.conv"), (Shape{64, 24, 1, 1}));
  // TF-slim: min(int(64 · width / 3), 8) filters for each colour.
  EXPECT_EQ(weight("inception_v2?width=0.25", "Conv2d_1a_7x7.depthwise"), (Shape{15, 1, 7, 7}));
  EXPECT_EQ(weight("inception_v2?first=plain", "Conv2d_1a_7x7.conv"), (Shape{64, 3, 7, 7}));
}

TEST(AudioResnet, ReadsSpectrograms) {
  const Graph graph = build("audio_resnet50");
  EXPECT_EQ(graph[graph.inputs()[0]].shape, (Shape{1, 1, 96, 64}));
  EXPECT_EQ(graph[graph.outputs()[0]].shape, (Shape{1, 527}));
  // Hershey et al.: the mean is taken over 6 x 4.
  EXPECT_EQ(graph[named(graph, "avgpool").inputs[0]].shape, (Shape{1, 2048, 6, 4}));
  // ResNet-50 with one colour instead of three and 527 classes instead of 1000.
  EXPECT_EQ(trainable_count(graph), 25'557'032 - 2 * 64 * 49 - 473 * 2049);
}

TEST(Unet, GivesEveryPixelAClass) {
  const Graph graph = build("unet?input=3x32x48&classes=1");
  EXPECT_EQ(graph[graph.outputs()[0]].shape, (Shape{1, 1, 32, 48}));
  EXPECT_EQ(named(graph, "down4.maxpool_conv.1.double_conv.5").shape, (Shape{1, 1024, 2, 3}));
  EXPECT_EQ(named(graph, "up4.concat").shape, (Shape{1, 128, 32, 48}));
  EXPECT_ERROR(build("unet?input=3x32x40"),
               "network 'unet' needs sides that are multiples of 16, got [3, 32, 40]");
}

TEST(Vgg, ReadsTheMeanOfSmallImages) {
  const Graph small = build("vgg16_bn?input=3x32x32&classes=10");
  EXPECT_EQ(named(small, "classifier").params.at("weight").shape, (Shape{10, 512}));
  const Graph full = build("vgg16_bn?input=3x64x64&head=full");
  EXPECT_EQ(named(full, "classifier.0").params.at("weight").shape, (Shape{4096, 512 * 4}));
}

TEST(Zoo, EveryHiddenLayerCanBePruned) {
  for (const Entry& entry : networks()) {
    const Graph graph = build(entry.name);
    const ChannelGroups groups = find_channel_groups(graph);
    for (const NodeId id : graph.ids()) {
      if (!is_layer(graph[id])) continue;
      const bool is_output = id == graph.outputs()[0];
      // A depthwise convolution of the image hands the image's channels on.
      if (graph[id].integer("group", 1) > 1 && graph[id].inputs[0] == NodeId{0}) continue;
      for (const ChannelId channel : groups.made_by(id)) {
        EXPECT_EQ(groups.pinned(channel).has_value(), is_output) << graph[id].label();
      }
    }
  }
}

TEST(Specification, SetsOptionsOverDefaults) {
  const Graph graph = build("zoo:resnet20?width=0.5&classes=100&input=1x28x24");
  EXPECT_EQ(graph[graph.inputs()[0]].shape, (Shape{1, 1, 28, 24}));
  EXPECT_EQ(graph[graph.outputs()[0]].shape, (Shape{1, 100}));
  EXPECT_EQ(named(graph, "layer3.2.conv2").params.at("weight").shape, (Shape{32, 32, 3, 3}));
  const Graph of_task = build("resnet20?classes=2", Task{.classes = 5, .input = {1, 9, 9}});
  EXPECT_EQ(of_task[of_task.inputs()[0]].shape, (Shape{1, 1, 9, 9}));
  EXPECT_EQ(of_task[of_task.outputs()[0]].shape, (Shape{1, 2}));
  EXPECT_EQ(build("resnet8?"), build("zoo:resnet8"));
}

TEST(Specification, RoundsWidthsToTheNearestAndAtLeastOne) {
  const auto width = [](const std::string& text) {
    return named(build("resnet8?width=" + text), "conv1").params.at("weight").shape[0];
  };
  EXPECT_EQ(width("0.3"), 5);   // 4.8
  EXPECT_EQ(width("0.34"), 5);  // 5.44
  EXPECT_EQ(width("0.001"), 1);
  EXPECT_EQ(width("1.03125"), 17);  // 16.5
}

TEST(Specification, NamesTheUnknownNetworkAndTheNearest) {
  EXPECT_ERROR(build("resnet21"),
               "unknown network 'resnet21'; 'morphnet zoo' lists all. Did you mean 'resnet20'?");
  EXPECT_ERROR(build("zoo:"), "unknown network ''");
  EXPECT_ERROR(build(""), "unknown network ''");
}

TEST(Specification, NamesTheBadOption) {
  EXPECT_ERROR(build("mlp?widht=0.5"),
               "network 'mlp' has no option 'widht'; it has width, classes, input. Did you mean "
               "'width'?");
  EXPECT_ERROR(build("mlp?stem=small"), "network 'mlp' has no option 'stem'");
  EXPECT_ERROR(build("resnet50?strid=1x1"),
               "network 'resnet50' has no option 'strid'; it has width, classes, input, stem, "
               "stride. Did you mean 'stride'?");
  EXPECT_ERROR(build("resnet50?stride=1x2"),
               "network option stride: expected one of 3x3, 1x1, last, got '1x2'. Did you mean "
               "'1x1'?");
  EXPECT_ERROR(build("mlp?width"), "network option 'width': expected name=value");
  EXPECT_ERROR(build("mlp?width=0.5&"), "network option '': expected name=value");
  EXPECT_ERROR(build("mlp?width=1&width=2"), "network option width is given twice");
  EXPECT_ERROR(build("mlp?width=half"), "network option width: expected a number, got 'half'");
  EXPECT_ERROR(build("mlp?width=0"), "network option width: expected a multiplier above 0");
  EXPECT_ERROR(build("mlp?width=-1"), "got -1");
  EXPECT_ERROR(build("mlp?width=1e300"), "up to 1000, got 1e+300");
  EXPECT_ERROR(build("mlp?classes=0"), "network option classes: expected 1 to 1000000, got 0");
  EXPECT_ERROR(build("mlp?classes=2.5"), "network option classes: expected an integer");
  EXPECT_ERROR(build("mlp?input="), "network option input: expected CxHxW");
  EXPECT_ERROR(build("mlp?input=3x0x32"), "each at least 1 and at most 65536, got [3, 0, 32]");
  EXPECT_ERROR(build("mlp?input=3xx32"), "network option input=3xx32: expected an integer");
  EXPECT_ERROR(build("mlp?input=3x1000000x1"), "at most 65536");
}

TEST(Specification, RefusesImagesThatAreTooSmall) {
  EXPECT_ERROR(build("resnet20?input=3x2x32"),
               "network 'resnet20' needs images [C, H, W] of at least 4x4 pixels, got [3, 2, 32]");
  EXPECT_ERROR(build("inception_small?input=3x3x3"), "needs images [C, H, W] of at least 4x4");
  EXPECT_ERROR(build("resnet8?input=3x32"), "needs images [C, H, W]");
  EXPECT_NO_THROW(build("resnet20?input=3x4x4"));
  EXPECT_NO_THROW(build("inception_small?input=3x4x4"));
}

}  // namespace
}  // namespace morph::zoo
