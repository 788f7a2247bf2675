// Compares networks of the zoo with torchvision's, on what torchvision_logits.py has exported.
// Usage: compare_logits DIR. Ends with 1 if a logit differs by more than 1e-4 of the largest.

#include <filesystem>
#include <iostream>
#include <set>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <ATen/ops/sub.h>

#include "morph/base/error.h"
#include "morph/checkpoint/safetensors.h"
#include "morph/checkpoint/weights_file.h"
#include "morph/nn/graph_module.h"
#include "morph/zoo/zoo.h"

namespace {

constexpr double kTolerance = 1e-4;
constexpr std::string_view kEnding = ".logits.safetensors";

std::set<std::string> exported_names(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    const std::string name = file.path().filename().string();
    if (name.ends_with(kEnding)) names.insert(name.substr(0, name.size() - kEnding.size()));
  }
  return names;
}

/// The largest difference of any logit, relative to the largest logit.
double difference(const std::filesystem::path& folder, const std::string& name) {
  const morph::Graph graph = morph::zoo::build(name);
  const std::string training_only = morph::zoo::find_network(name).training_only;
  const morph::Params params =
      morph::read_weights(folder / (name + ".safetensors"), graph, training_only);
  const morph::TensorFile exported =
      morph::read_safetensors(folder / (name + std::string(kEnding)));
  morph::GraphModule module(graph, params);
  module.set_training(false);
  const at::NoGradGuard no_grad;
  const at::Tensor expected = exported.tensors.at("logits");
  const at::Tensor found = module.forward(exported.tensors.at("input"));
  return ((found - expected).abs().max() / expected.abs().max()).item<double>();
}

int compare_all(const std::filesystem::path& folder) {
  const std::set<std::string> names = exported_names(folder);
  if (names.empty()) throw morph::Error(morph::cat("'", folder.string(), "' holds no exports"));
  bool all_equal = true;
  for (const std::string& name : names) {
    const double found = difference(folder, name);
    const bool is_equal = found <= kTolerance;
    std::cout << name << "  " << found << (is_equal ? "" : "  DIFFERS") << std::endl;
    all_equal = all_equal && is_equal;
  }
  return all_equal ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: compare_logits DIR\n";
    return 2;
  }
  try {
    return compare_all(argv[1]);
  } catch (const std::exception& error) {
    std::cerr << "compare_logits: " << error.what() << "\n";
    return 1;
  }
}
