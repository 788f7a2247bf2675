#include "morph/onnx/fold_bn.h"

#include <cmath>
#include <vector>

#include "morph/analysis/shapes.h"
#include "morph/base/error.h"

namespace morph::onnx {
namespace {

/// The axis of the weight that holds output channels, or nothing if the op has no such.
int output_axis(const Node& node) {
  if (node.op == "Conv") return 0;
  if (node.op == "Gemm" && node.shape.size() == 2) return 0;
  if (node.op == "ConvTranspose" && node.integer("group", 1) == 1) return 1;
  return -1;
}

class Folding {
 public:
  Folding(const Graph& graph, const std::map<std::string, Array>& weights, Storage& storage)
      : graph_(graph), readers_(consumers(graph)), storage_(storage), weights_(weights) {
    for (const Node& node : graph.nodes()) {
      for (const auto& [slot, param] : node.params) ++uses_[param.tensor];
    }
    for (const NodeId id : graph.outputs()) readers_[index(id)].push_back(id);
  }

  Folded run() {
    std::vector<NodeId> new_ids;
    Graph result(graph_.name());
    int64_t count = 0;
    for (const NodeId id : graph_.ids()) {
      Node node = graph_[id];
      if (is_folded_away(id)) {
        new_ids.push_back(new_ids[index(node.inputs[0])]);
        ++count;
        continue;
      }
      for (NodeId& input : node.inputs) input = new_ids[index(input)];
      if (output_axis(node) >= 0 && readers_[index(id)].size() == 1 &&
          is_folded_away(readers_[index(id)][0])) {
        fold(node, graph_[readers_[index(id)][0]]);
      }
      new_ids.push_back(result.add(std::move(node)));
    }
    std::vector<NodeId> outputs;
    for (const NodeId id : graph_.outputs()) outputs.push_back(new_ids[index(id)]);
    result.set_outputs(outputs);
    return {.graph = infer_shapes(result), .weights = used(result), .count = count};
  }

 private:
  bool is_folded_away(NodeId id) const {
    const Node& node = graph_[id];
    if (node.op != "BatchNormalization") return false;
    const Node& layer = graph_[node.inputs[0]];
    if (output_axis(layer) < 0 || readers_[index(node.inputs[0])].size() != 1) return false;
    for (const auto& [slot, param] : layer.params) {
      if (uses_.at(param.tensor) != 1) return false;
    }
    return true;
  }

  std::vector<double> values(const Node& node, const std::string& slot) const {
    return to_doubles(weights_.at(node.params.at(slot).tensor));
  }

  void store(const std::string& tensor, Shape shape, const std::vector<double>& numbers) {
    weights_[tensor] = {
        .type = DataType::kFloat,
        .shape = std::move(shape),
        .bytes = storage_.keep(to_bytes(std::span<const double>(numbers), DataType::kFloat))};
  }

  void fold(Node& layer, const Node& norm) {
    std::vector<double> scale = values(norm, "weight");
    std::vector<double> shift = values(norm, "bias");
    const std::vector<double> mean = values(norm, "running_mean");
    const std::vector<double> variance = values(norm, "running_var");
    const double epsilon = norm.number("epsilon", 1e-5);
    std::vector<double> bias(scale.size(), 0);
    if (layer.has_param("bias")) bias = values(layer, "bias");
    for (size_t i = 0; i < scale.size(); ++i) {
      scale[i] /= std::sqrt(variance[i] + epsilon);
      bias[i] = scale[i] * (bias[i] - mean[i]) + shift[i];
    }
    const Param weight = layer.params.at("weight");
    std::vector<double> kernel = values(layer, "weight");
    size_t inner = 1;
    const auto axis = static_cast<size_t>(output_axis(layer));
    for (size_t i = axis + 1; i < weight.shape.size(); ++i) {
      inner *= static_cast<size_t>(weight.shape[i]);
    }
    for (size_t i = 0; i < kernel.size(); ++i) kernel[i] *= scale[i / inner % scale.size()];
    store(weight.tensor, weight.shape, kernel);
    if (!layer.has_param("bias")) layer.params["bias"] = {.tensor = layer.name + ".bias"};
    Param& target = layer.params["bias"];
    target.shape = {static_cast<int64_t>(bias.size())};
    store(target.tensor, target.shape, bias);
  }

  std::map<std::string, Array> used(const Graph& graph) const {
    std::map<std::string, Array> result;
    for (const Node& node : graph.nodes()) {
      for (const auto& [slot, param] : node.params) {
        result[param.tensor] = weights_.at(param.tensor);
      }
    }
    return result;
  }

  const Graph& graph_;
  std::vector<std::vector<NodeId>> readers_;
  Storage& storage_;
  std::map<std::string, Array> weights_;
  std::map<std::string, int64_t> uses_;
};

}  // namespace

Folded fold_batch_norm(const Graph& graph,
                       const std::map<std::string, Array>& weights,
                       Storage& storage) {
  return Folding(graph, weights, storage).run();
}

}  // namespace morph::onnx
