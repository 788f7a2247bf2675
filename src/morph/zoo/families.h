#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "morph/zoo/zoo.h"

namespace morph::zoo {

/// The residual network for small images of He et al., "Deep residual learning for image
/// recognition" (2015), section 4.2: three stages of n basic blocks with 16, 32 and 64 channels,
/// depth = 6n + 2. Where a stage halves the image the shortcut is a 1x1 convolution with
/// normalization (option B of the article). Throws Error for a depth that is not 8, 14, …, 164.
Graph build_cifar_resnet(const std::string& name, int64_t depth, const Options& options);

/// A residual network for photographs.
struct ResnetSpec {
  std::string name = {};
  std::array<int64_t, 4> units = {};  ///< In each stage.
  bool is_bottleneck = false;         ///< Units of 1x1, 3x3, 1x1 instead of two 3x3.
  int64_t groups = 1;                 ///< Of the 3x3 of a bottleneck: ResNeXt.
  int64_t group_width = 64;           ///< Channels of a group of it, in the first stage.
  bool stem_halves = true;            ///< The first convolution has stride 2.
};

/// He et al. (2015), with torchvision's names and its stride in the 3x3 of a bottleneck; the choice
/// "stride" moves it. ResNeXt: Xie et al., "Aggregated residual transformations" (2016); wide:
/// Zagoruyko and Komodakis, "Wide residual networks" (2016).
Graph build_resnet(const ResnetSpec& spec, const Options& options);

/// He et al., "Identity mappings in deep residual networks" (2016): normalization and ReLU before
/// each convolution, as TF-slim and Keras build it, with biases where no normalization follows at
/// once. Reads `name`, `units` and `is_bottleneck`.
Graph build_resnet_v2(const ResnetSpec& spec, const Options& options);

/// A densely connected network.
struct DensenetSpec {
  std::string name = {};
  std::array<int64_t, 4> layers = {};  ///< In each block.
  int64_t growth = 32;                 ///< Channels that a layer adds.
};

/// Huang et al., "Densely connected convolutional networks" (2016): DenseNet-BC with torchvision's
/// names.
Graph build_densenet(const DensenetSpec& spec, const Options& options);

/// BN-Inception (Ioffe and Szegedy, "Batch normalization", 2015) as TF-slim builds it and names its
/// layers; the choice "first" says whether the first layer is a separable convolution. The dense
/// layer reads the mean of the last map, which is what the 1x1 convolution of TF-slim comes to.
Graph build_inception_v2(const Options& options);

/// Szegedy et al. (2015), without the second classifier that helps training, with torchvision's
/// names.
Graph build_inception_v3(const Options& options);

/// Howard et al., "MobileNets" (2017), with TF-slim's names.
Graph build_mobilenet_v1(const Options& options);

/// Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks" (2018), with
/// torchvision's names.
Graph build_mobilenet_v2(const Options& options);

/// Howard et al., "Searching for MobileNetV3" (2019), with torchvision's names.
Graph build_mobilenet_v3_large(const Options& options);
Graph build_mobilenet_v3_small(const Options& options);

/// Tan and Le, "EfficientNet" (2019), with torchvision's names; without stochastic depth.
Graph build_efficientnet_b0(const Options& options);

/// A network of 3x3 convolutions.
struct VggSpec {
  std::string name = {};
  std::array<int64_t, 5> layers = {};  ///< Between pools.
};

/// Simonyan and Zisserman, "Very deep convolutional networks" (2014), with normalization and
/// torchvision's names. The choice "head" says how the last map is read. At 224x224 it is the same
/// as torchvision's, which scales other maps to 7x7.
Graph build_vgg(const VggSpec& spec, const Options& options);

/// A network that shuffles channels.
struct ShufflenetSpec {
  std::string name = {};
  std::array<int64_t, 3> widths = {};  ///< Of each stage.
  int64_t last = 1024;                 ///< Of the last convolution.
};

/// Ma et al., "ShuffleNet V2" (2018), with torchvision's names.
Graph build_shufflenet_v2(const ShufflenetSpec& spec, const Options& options);

/// Ronneberger et al., "U-Net" (2015): an image of classes, one for each pixel. With normalization
/// and padding, so that the image keeps its size, and with the names of the PyTorch implementation
/// that is most in use (github.com/milesial/Pytorch-UNet).
Graph build_unet(const Options& options);

/// Dense layers of 256 and 128, each with normalization and ReLU, and the classifier. Reads images
/// or vectors of any size.
Graph build_mlp(const Options& options);

/// A small relative of Inception (Szegedy et al., "Rethinking the Inception architecture", 2015)
/// for small images: three blocks of four towers that are concatenated.
Graph build_inception_small(const Options& options);

}  // namespace morph::zoo
