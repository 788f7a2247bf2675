#pragma once

#include <filesystem>
#include <map>
#include <string>

#include <ATen/core/Tensor.h>

namespace morph {

/// Named tensors and the free-text metadata of a safetensors file.
struct TensorFile {
  std::map<std::string, at::Tensor> tensors = {};
  std::map<std::string, std::string> metadata = {};
};

/// Writes a safetensors file (https://huggingface.co/docs/safetensors): u64 little-endian header
/// length, JSON header, raw data; contiguous, on the CPU. Replaces an old file at once or not at
/// all. Subnormal floats are written as zero.
void write_safetensors(const std::filesystem::path& path, const TensorFile& content);

/// Reads one. Throws Error naming the file and what is wrong with it: truncated, header not JSON,
/// unknown dtype, offsets that overlap or leave the file, size that does not match the shape.
TensorFile read_safetensors(const std::filesystem::path& path);

}  // namespace morph
