#pragma once

#include <filesystem>

#include "morph/data/dataset.h"

namespace morph {

/// CIFAR-10 (Krizhevsky 2009) from its official binary files: colour 32×32 images of ten classes,
/// held in memory. The files data_batch_1.bin … data_batch_5.bin, test_batch.bin and
/// batches.meta.txt are in `folder` or in `folder`/cifar-10-batches-bin. Throws Error naming the
/// file that is missing or damaged, and where to get it.
DataSplits open_cifar10(const std::filesystem::path& folder);

}  // namespace morph
