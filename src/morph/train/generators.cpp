#include "morph/train/generators.h"

#include <mutex>
#include <utility>
#include <vector>

#include <ATen/Context.h>

namespace morph {
namespace {

std::vector<std::pair<std::string, at::Generator>> generators(c10::Device device) {
  std::vector<std::pair<std::string, at::Generator>> all = {
      {"generator.cpu", at::globalContext().defaultGenerator(at::kCPU)}};
  if (device.is_cuda()) {
    all.emplace_back("generator.cuda", at::globalContext().defaultGenerator(device));
  }
  return all;
}

}  // namespace

void seed_generators(uint64_t seed) { at::manual_seed(seed); }

std::map<std::string, at::Tensor> generator_states(c10::Device device) {
  std::map<std::string, at::Tensor> states;
  for (auto& [name, generator] : generators(device)) {
    const std::lock_guard<std::mutex> lock(generator.mutex());
    states[name] = generator.get_state();
  }
  return states;
}

void restore_generators(c10::Device device, const std::map<std::string, at::Tensor>& states) {
  for (auto& [name, generator] : generators(device)) {
    const std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_state(states.at(name));
  }
}

}  // namespace morph
