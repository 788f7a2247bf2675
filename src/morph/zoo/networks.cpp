#include <array>
#include <string>
#include <utility>

#include "morph/base/error.h"
#include "morph/zoo/families.h"
#include "morph/zoo/zoo.h"

namespace morph::zoo {
namespace {

using Build = std::function<Graph(const Options&)>;

const Task kCifar = {.classes = 10, .input = {3, 32, 32}};
const Task kImageNet = {.classes = 1000, .input = {3, 224, 224}};
const Task kImageNet299 = {.classes = 1000, .input = {3, 299, 299}};
/// Grey pictures of cells, each pixel cell or not.
const Task kSegmentation = {.classes = 2, .input = {1, 256, 256}};
/// A second of sound, 96 frames of 64 mel bands, as Hershey et al., "CNN architectures for
/// large-scale audio classification" (2016), cut it; AudioSet's classes.
const Task kAudioSet = {.classes = 527, .input = {1, 96, 64}};

const Choice kStem = {
    .name = "stem",
    .values = {"auto", "full", "small"},
    .description =
        "small leaves out the first two steps that halve the image, and makes a 7x7 "
        "first layer 3x3; auto does so up to 64 pixels a side"};
const Choice kStride = {.name = "stride",
                        .values = {"3x3", "1x1", "last"},
                        .description =
                            "where a stage halves the image: in the 3x3 of its first "
                            "unit, in the 1x1 before it (the original), or in the last "
                            "unit of the stage before (TF-slim)"};
const Choice kStrideV2 = {.name = "stride",
                          .values = {"last", "3x3"},
                          .description =
                              "where a stage halves the image: in its last unit "
                              "(TF-slim, Keras), or in the 3x3 of the first unit of "
                              "the next"};
const Choice kHead = {
    .name = "head",
    .values = {"auto", "full", "small"},
    .description =
        "full reads the last map with two dense layers of 4096, small its mean with "
        "the classifier alone; auto does so up to 64 pixels a side"};
const Choice kFirst = {.name = "first",
                       .values = {"separable", "plain"},
                       .description = "kind of the first convolution"};

/// "resnet20"; two depths have that name among the networks for photographs.
std::string cifar_resnet_name(int64_t depth) {
  const bool is_taken = depth == 50 || depth == 152;
  return cat(is_taken ? "cifar_resnet" : "resnet", depth);
}

void add_cifar_resnets(std::vector<Entry>& entries) {
  for (int64_t blocks = 1; blocks <= 27; ++blocks) {
    const int64_t depth = 6 * blocks + 2;
    const std::string name = cifar_resnet_name(depth);
    entries.push_back(
        {.name = name,
         .description = cat("residual network for small images, ",
                            blocks,
                            blocks == 1 ? " block a stage" : " blocks a stage"),
         .task = kCifar,
         .build = [name, depth](const Options& o) { return build_cifar_resnet(name, depth, o); }});
  }
}

void add_resnet(std::vector<Entry>& entries, const ResnetSpec& spec, std::string description) {
  Entry entry = {.name = spec.name,
                 .description = std::move(description),
                 .task = kImageNet,
                 .choices = {kStem},
                 .build = [spec](const Options& o) { return build_resnet(spec, o); }};
  if (spec.is_bottleneck) entry.choices.push_back(kStride);
  entries.push_back(std::move(entry));
}

void add_resnets(std::vector<Entry>& entries) {
  add_resnet(entries, {.name = "resnet18", .units = {2, 2, 2, 2}}, "residual network");
  add_resnet(entries, {.name = "resnet34", .units = {3, 4, 6, 3}}, "residual network");
  const std::string bottlenecks = "residual network of bottlenecks";
  add_resnet(
      entries, {.name = "resnet50", .units = {3, 4, 6, 3}, .is_bottleneck = true}, bottlenecks);
  add_resnet(
      entries, {.name = "resnet101", .units = {3, 4, 23, 3}, .is_bottleneck = true}, bottlenecks);
  add_resnet(
      entries, {.name = "resnet152", .units = {3, 8, 36, 3}, .is_bottleneck = true}, bottlenecks);
  add_resnet(
      entries,
      {.name = "wide_resnet50_2", .units = {3, 4, 6, 3}, .is_bottleneck = true, .group_width = 128},
      "ResNet-50 with bottlenecks of twice the width");
  add_resnet(entries,
             {.name = "wide_resnet101_2",
              .units = {3, 4, 23, 3},
              .is_bottleneck = true,
              .group_width = 128},
             "ResNet-101 with bottlenecks of twice the width");
  add_resnet(entries,
             {.name = "resnext50_32x4d",
              .units = {3, 4, 6, 3},
              .is_bottleneck = true,
              .groups = 32,
              .group_width = 4},
             "ResNeXt: 3x3 in 32 groups");
  add_resnet(entries,
             {.name = "resnext101_32x8d",
              .units = {3, 4, 23, 3},
              .is_bottleneck = true,
              .groups = 32,
              .group_width = 8},
             "ResNeXt: 3x3 in 32 groups");
}

void add_densenets(std::vector<Entry>& entries) {
  const std::array specs = {
      DensenetSpec{.name = "densenet121", .layers = {6, 12, 24, 16}},
      DensenetSpec{.name = "densenet161", .layers = {6, 12, 36, 24}, .growth = 48},
      DensenetSpec{.name = "densenet169", .layers = {6, 12, 32, 32}},
      DensenetSpec{.name = "densenet201", .layers = {6, 12, 48, 32}},
  };
  for (const DensenetSpec& spec : specs) {
    entries.push_back({.name = spec.name,
                       .description = "every layer reads all before it in its block",
                       .task = kImageNet,
                       .choices = {kStem},
                       .build = [spec](const Options& o) { return build_densenet(spec, o); }});
  }
}

void add_resnets_v2(std::vector<Entry>& entries) {
  const std::array specs = {
      ResnetSpec{.name = "resnet_v2_18", .units = {2, 2, 2, 2}},
      ResnetSpec{.name = "resnet_v2_34", .units = {3, 4, 6, 3}},
      ResnetSpec{.name = "resnet_v2_50", .units = {3, 4, 6, 3}, .is_bottleneck = true},
      ResnetSpec{.name = "resnet_v2_101", .units = {3, 4, 23, 3}, .is_bottleneck = true},
      ResnetSpec{.name = "resnet_v2_152", .units = {3, 8, 36, 3}, .is_bottleneck = true},
  };
  for (const ResnetSpec& spec : specs) {
    entries.push_back({.name = spec.name,
                       .description = "residual network, normalization before convolution",
                       .task = kImageNet,
                       .choices = {kStem, kStrideV2},
                       .build = [spec](const Options& o) { return build_resnet_v2(spec, o); }});
  }
}

void add_audio_resnet(std::vector<Entry>& entries) {
  const ResnetSpec spec = {
      .name = "audio_resnet50", .units = {3, 4, 6, 3}, .is_bottleneck = true, .stem_halves = false};
  entries.push_back({.name = spec.name,
                     .description = "ResNet-50 for spectrograms",
                     .task = kAudioSet,
                     .choices = {kStride},
                     .build = [spec](const Options& o) { return build_resnet(spec, o); }});
}

void add_inceptions(std::vector<Entry>& entries) {
  entries.push_back({.name = "inception_v2",
                     .description = "BN-Inception as in TF-slim: blocks of towers",
                     .task = kImageNet,
                     .choices = {kStem, kFirst},
                     .build = build_inception_v2});
  entries.push_back({.name = "inception_v3",
                     .description = "towers of factorized convolutions",
                     .task = kImageNet299,
                     .choices = {kStem},
                     .build = build_inception_v3,
                     .training_only = "AuxLogits."});
}

void add_mobile_networks(std::vector<Entry>& entries) {
  const auto add = [&](const char* name, const char* description, const Build& build) {
    entries.push_back({.name = name,
                       .description = description,
                       .task = kImageNet,
                       .choices = {kStem},
                       .build = build});
  };
  add("mobilenet_v1", "depthwise and pointwise convolutions in turn", build_mobilenet_v1);
  add("mobilenet_v2", "inverted residuals", build_mobilenet_v2);
  add("mobilenet_v3_large", "inverted residuals with gates", build_mobilenet_v3_large);
  add("mobilenet_v3_small", "inverted residuals with gates", build_mobilenet_v3_small);
  add("efficientnet_b0", "inverted residuals with gates", build_efficientnet_b0);
  const std::array shufflenets = {
      ShufflenetSpec{.name = "shufflenet_v2_x0_5", .widths = {48, 96, 192}},
      ShufflenetSpec{.name = "shufflenet_v2_x1_0", .widths = {116, 232, 464}},
      ShufflenetSpec{.name = "shufflenet_v2_x1_5", .widths = {176, 352, 704}},
      ShufflenetSpec{.name = "shufflenet_v2_x2_0", .widths = {244, 488, 976}, .last = 2048},
  };
  for (const ShufflenetSpec& spec : shufflenets) {
    add(spec.name.c_str(), "halves of the channels, shuffled", [spec](const Options& options) {
      return build_shufflenet_v2(spec, options);
    });
  }
}

void add_vggs(std::vector<Entry>& entries) {
  const std::array specs = {
      VggSpec{.name = "vgg11_bn", .layers = {1, 1, 2, 2, 2}},
      VggSpec{.name = "vgg13_bn", .layers = {2, 2, 2, 2, 2}},
      VggSpec{.name = "vgg16_bn", .layers = {2, 2, 3, 3, 3}},
      VggSpec{.name = "vgg19_bn", .layers = {2, 2, 4, 4, 4}},
  };
  for (const VggSpec& spec : specs) {
    entries.push_back({.name = spec.name,
                       .description = "plain network of 3x3 convolutions",
                       .task = kImageNet,
                       .choices = {kHead},
                       .build = [spec](const Options& o) { return build_vgg(spec, o); }});
  }
}

std::vector<Entry> make_networks() {
  std::vector<Entry> entries;
  add_cifar_resnets(entries);
  entries.push_back({.name = "mlp",
                     .description = "two hidden dense layers of 256 and 128",
                     .task = kCifar,
                     .build = build_mlp});
  entries.push_back({.name = "inception_small",
                     .description = "small Inception-like network of towers",
                     .task = kCifar,
                     .build = build_inception_small});
  add_resnets(entries);
  add_resnets_v2(entries);
  add_densenets(entries);
  add_inceptions(entries);
  add_mobile_networks(entries);
  add_vggs(entries);
  entries.push_back({.name = "unet",
                     .description = "a class for each pixel; halves and doubles the image",
                     .task = kSegmentation,
                     .build = build_unet});
  add_audio_resnet(entries);
  return entries;
}

}  // namespace

const std::vector<Entry>& networks() {
  static const std::vector<Entry> entries = make_networks();
  return entries;
}

}  // namespace morph::zoo
