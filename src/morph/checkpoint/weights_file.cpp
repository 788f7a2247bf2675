#include "morph/checkpoint/weights_file.h"

#include <string_view>
#include <vector>

#include <c10/core/ScalarType.h>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/checkpoint/safetensors.h"

namespace morph {
namespace {

/// As many names as a person reads.
constexpr size_t kListed = 8;

/// What keeps a file from fitting a network.
struct Misfit {
  std::vector<std::string> missing = {};
  std::vector<std::string> unexpected = {};
  std::vector<std::string> reshaped = {};
};

bool is_passed_over(std::string_view name, std::string_view training_only) {
  return name.ends_with("num_batches_tracked") ||
         (!training_only.empty() && name.starts_with(training_only));
}

/// "3 tensors are missing: a, b, c"; nothing for none.
void describe(std::vector<std::string>& parts, const char* what, std::vector<std::string> names) {
  if (names.empty()) return;
  const size_t count = names.size();
  if (count > kListed) {
    names.resize(kListed);
    names.push_back("…");
  }
  parts.push_back(cat(count, " ", what, ": ", join(names, ", ")));
}

[[noreturn]] void refuse(const std::filesystem::path& path,
                         const Graph& graph,
                         const Misfit& misfit) {
  std::vector<std::string> parts;
  describe(parts, "missing", misfit.missing);
  describe(parts, "unexpected", misfit.unexpected);
  describe(parts, "of another shape", misfit.reshaped);
  const bool only_shapes = misfit.missing.empty() && misfit.unexpected.empty();
  throw Error(cat("the tensors of '",
                  path.string(),
                  "' are not those of network '",
                  graph.name(),
                  "': ",
                  join(parts, "; "),
                  only_shapes ? ". Shapes follow the network's options, classes and input" : ""));
}

/// The graph's tensors with their shapes.
std::map<std::string, Shape> expected_tensors(const Graph& graph) {
  std::map<std::string, Shape> expected;
  for (const Node& node : graph.nodes()) {
    for (const auto& [slot, param] : node.params) expected[param.tensor] = param.shape;
  }
  return expected;
}

}  // namespace

Params read_weights(const std::filesystem::path& path,
                    const Graph& graph,
                    const std::string& training_only) {
  const std::map<std::string, Shape> expected = expected_tensors(graph);
  Params params;
  Misfit misfit;
  for (const auto& [name, tensor] : read_safetensors(path).tensors) {
    if (is_passed_over(name, training_only)) continue;
    const auto place = expected.find(name);
    if (place == expected.end()) {
      misfit.unexpected.push_back(name);
      continue;
    }
    const Shape shape(tensor.sizes().begin(), tensor.sizes().end());
    if (shape != place->second) {
      misfit.reshaped.push_back(
          cat(name, " is ", format_shape(shape), ", not ", format_shape(place->second)));
    }
    params[name] = tensor.is_floating_point() ? tensor.to(at::kFloat) : tensor;
  }
  for (const auto& [name, shape] : expected) {
    if (params.count(name) == 0) misfit.missing.push_back(name);
  }
  const bool fits = misfit.missing.empty() && misfit.unexpected.empty() && misfit.reshaped.empty();
  if (!fits) refuse(path, graph, misfit);
  try {
    check_params(graph, params);
  } catch (const Error& error) {
    throw Error(cat("'", path.string(), "': ", error.what()));
  }
  return params;
}

}  // namespace morph
