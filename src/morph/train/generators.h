#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

namespace morph {

/// Seeds LibTorch's generators, which Dropout draws from, on every device.
void seed_generators(uint64_t seed);

/// The states of the generators that training on `device` draws from: "generator.cpu" and, on
/// CUDA, "generator.cuda"; bytes.
std::map<std::string, at::Tensor> generator_states(c10::Device device);

/// Sets them to such states.
void restore_generators(c10::Device device, const std::map<std::string, at::Tensor>& states);

}  // namespace morph
