#include "models/real_model.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include <zlib.h>

#include "morph/base/error.h"
#include "morph/base/random.h"

namespace morph {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEnding = ".onnx.gz";

fs::path folder() {
  const char* chosen = std::getenv("MORPHNET_MODELS");
  return chosen != nullptr ? fs::path(chosen)
                           : fs::path(MORPH_SOURCE_DIR) / "tests" / "models" / "onnx";
}

std::string unzipped(const fs::path& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw Error(cat("cannot open '", path.string(), "'"));
  std::string bytes;
  std::vector<char> piece(size_t{1} << 20);
  int count = 0;
  while ((count = gzread(file.get(), piece.data(), static_cast<unsigned>(piece.size()))) > 0) {
    bytes.append(piece.data(), static_cast<size_t>(count));
  }
  if (count < 0) throw Error(cat("'", path.string(), "' is damaged"));
  return bytes;
}

/// Which input of which op a tensor is.
struct Role {
  std::string op = {};
  size_t input = 0;
};

/// Ops behind which a tensor does what it did before.
bool hands_on(const std::string& op) {
  static const std::set<std::string> kOps = {
      "Cast", "Expand", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"};
  return kOps.count(op) != 0;
}

/// By name of a value, what reads it first.
std::map<std::string, Role> roles(const onnx::GraphProto& graph) {
  std::map<std::string, Role> result;
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const onnx::NodeProto& node = graph.nodes[n];
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      Role role{.op = node.op_type, .input = i};
      const auto behind = node.outputs.empty() ? result.end() : result.find(node.outputs[0]);
      if (hands_on(node.op_type) && behind != result.end()) role = behind->second;
      result[node.inputs[i]] = role;
    }
  }
  return result;
}

/// Uniform between two bounds.
struct Range {
  double low = 0;
  double high = 0;
};

/// Of the variance 2 / fan_in.
Range layer_range(double fan_in) {
  const double bound = std::sqrt(6 / std::max(1.0, fan_in));
  return {-bound, bound};
}

Range range_of(const Role& role, const Shape& shape) {
  constexpr Range kScale = {0.5, 1.0};
  constexpr Range kShift = {-0.1, 0.1};
  constexpr Range kVariance = {0.7, 1.3};
  const auto count = static_cast<double>(onnx::count_elements(shape));
  if (role.op == "ConvTranspose" && role.input == 1) {
    return layer_range(static_cast<double>(shape[0]));
  }
  if (role.op == "MatMul" && shape.size() >= 2) {
    return layer_range(static_cast<double>(shape[shape.size() - 2]));
  }
  if (role.op == "BatchNormalization" && role.input == 4) return kVariance;
  const bool is_scale = role.input == 1 && role.op.find("Normalization") != std::string::npos;
  if (is_scale || role.op == "Mul") return kScale;
  const bool is_layer = shape.size() >= 2 && role.op != "Add";
  return is_layer ? layer_range(count / static_cast<double>(shape[0])) : kShift;
}

}  // namespace

std::vector<std::string> real_models() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder())) {
    const std::string file = entry.path().filename().string();
    if (file.ends_with(kEnding)) names.push_back(file.substr(0, file.size() - strlen(kEnding)));
  }
  std::ranges::sort(names);
  return names;
}

bool is_from_legacy_exporter(const std::string& name) { return name.ends_with("-legacy"); }

onnx::Model read_real_model(const std::string& name, uint64_t seed) {
  std::string bytes = unzipped(folder() / (name + kEnding));
  onnx::Model model = onnx::parse_model(bytes);
  model.storage.keep(std::move(bytes));
  const std::map<std::string, Role> by_name = roles(model.graph);
  Random random(seed);
  for (onnx::TensorProto& tensor : model.graph.initializers) {
    if (tensor.external.location.empty()) continue;
    const auto role = by_name.find(tensor.name);
    const Range range = range_of(role == by_name.end() ? Role{} : role->second, tensor.array.shape);
    std::string values(
        static_cast<size_t>(onnx::count_elements(tensor.array.shape)) * sizeof(float), '\0');
    for (size_t at = 0; at < values.size(); at += sizeof(float)) {
      const auto value =
          static_cast<float>(range.low + (range.high - range.low) * random.uniform());
      std::memcpy(values.data() + at, &value, sizeof value);
    }
    if (tensor.array.type != onnx::DataType::kFloat) throw Error("a stripped tensor is no float32");
    tensor.array.bytes = model.storage.keep(std::move(values));
    tensor.external = {};
  }
  return model;
}

}  // namespace morph
