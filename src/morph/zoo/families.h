#pragma once

#include <cstdint>

#include "morph/zoo/zoo.h"

namespace morph::zoo {

/// The residual network for small images of He et al., "Deep residual learning for image
/// recognition" (2015), section 4.2: three stages of n basic blocks with 16, 32 and 64 channels,
/// depth = 6n + 2. Where a stage halves the image the shortcut is a 1x1 convolution with
/// normalization (option B of the article). Throws Error for a depth that is not 8, 14, …, 164.
Graph build_cifar_resnet(int64_t depth, const Options& options);

/// Dense layers of 256 and 128, each with normalization and ReLU, and the classifier. Reads images
/// or vectors of any size.
Graph build_mlp(const Options& options);

/// A small relative of Inception (Szegedy et al., "Rethinking the Inception architecture", 2015)
/// for small images: three blocks of four towers that are concatenated.
Graph build_inception_small(const Options& options);

}  // namespace morph::zoo
