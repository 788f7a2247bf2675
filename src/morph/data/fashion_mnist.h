#pragma once

#include <filesystem>

#include "morph/data/dataset.h"

namespace morph {

/// Fashion-MNIST (Xiao et al. 2017): grey 28×28 images of ten kinds of clothing, held in memory.
/// `folder` holds the four IDX files, compressed (.gz) or not. Throws Error naming the file that is
/// missing, truncated or damaged, and where to get it.
DataSplits open_fashion_mnist(const std::filesystem::path& folder);

/// Where the Debian package dataset-fashion-mnist puts the files.
std::filesystem::path fashion_mnist_package_folder();

}  // namespace morph
