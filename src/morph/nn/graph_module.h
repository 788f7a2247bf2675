#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include "morph/ir/graph.h"
#include "morph/nn/kernels.h"
#include "morph/nn/params.h"

namespace morph {

/// A tensor multiplied onto one input of one node before it is read; see GraphModule::set_masks().
using InputMasks = std::map<std::pair<NodeId, size_t>, at::Tensor>;

/// Runs a graph with its weights on LibTorch, one kernel per node, with autograd. A plain value
/// class, not a torch::nn::Module: the graph is the source of truth and can be rewritten.
class GraphModule {
 public:
  /// Shapes must be inferred; `params` must fit (check_params). The tensors are shared, not copied;
  /// trainable ones are set to require gradients.
  GraphModule(Graph graph, Params params);

  const Graph& graph() const { return graph_; }
  const Params& params() const { return params_; }

  /// The trainable tensors, in the order of their first use, each once.
  const std::vector<std::pair<std::string, at::Tensor>>& parameters() const { return parameters_; }

  /// The value of a node's param, e.g. (bn1, "weight").
  const at::Tensor& param(NodeId id, const std::string& slot) const;

  /// The output for a batch [N, …] of the single input. Throws Error naming the node if a kernel
  /// fails, and Error if the input does not fit the graph's.
  at::Tensor forward(const at::Tensor& input) const;

  /// For graphs with several inputs or outputs, in the graph's order.
  std::vector<at::Tensor> forward(std::span<const at::Tensor> inputs) const;

  /// Every node's value, by node index: for calibration, tests and pictures.
  std::vector<at::Tensor> forward_all(std::span<const at::Tensor> inputs) const;

  /// BatchNormalization uses batch statistics and remembers them (the unbiased variance, as
  /// LibTorch does; ONNX's is the biased one), and Dropout drops, in training only.
  void set_training(bool training) { training_ = training; }
  bool training() const { return training_; }

  /// Moves every tensor; gradients are dropped. Tensors are new objects afterwards.
  void to(c10::Device device);
  c10::Device device() const;

  /// Multiplies these onto node inputs in every forward from now on; an empty map ends it. How a
  /// network with removed channels is imitated at full size.
  void set_masks(InputMasks masks) { masks_ = std::move(masks); }

 private:
  enum class Keep { kOutputs, kAll };

  void bind();
  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs, Keep keep) const;
  at::Tensor run_node(NodeId id, std::span<const at::Tensor> values) const;
  at::Tensor call_kernel(NodeId id, std::span<const at::Tensor> inputs) const;

  Graph graph_;
  Params params_;
  std::vector<std::pair<std::string, at::Tensor>> parameters_;
  std::vector<SlotTensors> slots_;               // By node.
  std::vector<Kernel> kernels_;                  // By node.
  std::vector<std::vector<size_t>> done_after_;  // By node: values that are not read later.
  InputMasks masks_;
  bool training_ = true;
};

}  // namespace morph
