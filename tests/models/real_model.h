#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "morph/onnx/model.h"

namespace morph {

/// The names of the networks in tests/models/onnx/, or in the folder that the environment variable
/// MORPHNET_MODELS names, sorted. export_models.py made them.
std::vector<std::string> real_models();

/// Whether the exporter before dynamo made the file.
bool is_from_legacy_exporter(const std::string& name);

/// A network of the collection, its weights drawn from the seed by what they do: layers like He et
/// al. with scales between a half and one behind them, variances around one, small shifts. Throws
/// Error if its file is damaged.
onnx::Model read_real_model(const std::string& name, uint64_t seed);

}  // namespace morph
