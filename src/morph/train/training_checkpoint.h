#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>
#include <nlohmann/json.hpp>

namespace morph {

/// All that is needed to go on with a run: tensors by name, and everything else as JSON.
struct TrainingCheckpoint {
  std::string position = {};  ///< Unique in the run, part of the file's name: "3-120".
  nlohmann::json state = {};
  std::map<std::string, at::Tensor> tensors = {};
};

/// Writes `checkpoint.json` and, beside it, `checkpoint-POSITION.safetensors`, which the first
/// names with its size and checksum. The tensors are written first and those of older checkpoints
/// removed last, so at every moment the JSON belongs to tensors that are there.
void write_checkpoint(const std::filesystem::path& folder, const TrainingCheckpoint& checkpoint);

/// The checkpoint in `folder`, or nothing if there is none. Throws Error naming the file and what
/// to do if it is damaged.
std::optional<TrainingCheckpoint> read_checkpoint(const std::filesystem::path& folder);

/// Removes the checkpoint in `folder`, if there is one.
void remove_checkpoint(const std::filesystem::path& folder);

/// The file that read_checkpoint() looks for.
std::filesystem::path checkpoint_file(const std::filesystem::path& folder);

}  // namespace morph
