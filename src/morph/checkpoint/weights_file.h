#pragma once

#include <filesystem>
#include <string>

#include "morph/ir/graph.h"
#include "morph/nn/params.h"

namespace morph {

/// Reads the weights of a network from a safetensors file by name: a PyTorch state_dict written by
/// `safetensors.torch.save_file` fits a network of the zoo that has torchvision's names. Tensors
/// become float32. The `num_batches_tracked` of PyTorch's normalization and everything that begins
/// with `training_only` (unless that is empty) are passed over. Throws Error naming the file and
/// listing the tensors that are missing, unexpected, or of another shape.
Params read_weights(const std::filesystem::path& path,
                    const Graph& graph,
                    const std::string& training_only = "");

}  // namespace morph
