#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "morph/data/dataset.h"

namespace morph {

/// The image files of one half of a folder, with the class of each.
struct LabelledFiles {
  std::vector<std::filesystem::path> paths = {};  ///< Sorted by class, then by name.
  std::vector<int32_t> labels = {};
};

/// What a folder of images holds.
struct FolderListing {
  std::vector<std::string> classes = {};  ///< The folders' names, sorted.
  LabelledFiles train = {};
  LabelledFiles test = {};
  int64_t ignored = 0;  ///< Files that are neither .jpg, .jpeg nor .png.
};

/// Lists DIR/train/CLASS/FILE and DIR/test/CLASS/FILE (or DIR/val). Names that begin with a dot are
/// skipped. Throws Error if a folder is missing or without images, or if the two halves differ in
/// their classes.
FolderListing list_image_folder(const std::filesystem::path& folder);

/// How a folder of images is read.
struct FolderOptions {
  int64_t image_size = 32;                   ///< Pixels per side, after resize_and_crop().
  int64_t memory_bytes = int64_t{1} << 30U;  ///< A half that decodes to no more than this is
                                             ///< decoded when it is opened, by all cores; a larger
                                             ///< one when its images are asked for.
};

/// The images of list_image_folder() as RGB squares. An image that cannot be decoded is an Error
/// naming its file, when it is read.
DataSplits open_image_folder(const std::filesystem::path& folder, const FolderOptions& options);

}  // namespace morph
