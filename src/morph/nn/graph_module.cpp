#include "morph/nn/graph_module.h"

#include <algorithm>
#include <set>

#include <ATen/ops/eq.h>
#include <ATen/ops/masked_fill.h>
#include <ATen/ops/mul.h>
#include <c10/util/Exception.h>

#include "morph/base/error.h"
#include "morph/ops/op_def.h"

namespace morph {
namespace {

std::vector<Kernel> make_kernels(const Graph& graph) {
  std::vector<Kernel> made;
  for (const Node& node : graph.nodes()) {
    if (node.shape.empty()) {
      throw Error(cat(node.label(), " has no shape yet; call infer_shapes() on the graph first"));
    }
    std::vector<Shape> inputs;
    for (const NodeId input : node.inputs) inputs.push_back(graph[input].shape);
    made.push_back(make_kernel({node, inputs}));
  }
  return made;
}

/// By node: the values that nothing needs once it has run.
std::vector<std::vector<size_t>> values_done_after(const Graph& graph) {
  std::vector<size_t> last(graph.nodes().size());
  for (const NodeId id : graph.ids()) {
    last[index(id)] = index(id);
    for (const NodeId input : graph[id].inputs) last[index(input)] = index(id);
  }
  std::vector<bool> returned(last.size(), false);
  for (const NodeId output : graph.outputs()) returned[index(output)] = true;
  std::vector<std::vector<size_t>> done(last.size());
  for (size_t value = 0; value < last.size(); ++value) {
    if (!returned[value]) done[last[value]].push_back(value);
  }
  return done;
}

/// The names of the tensors that training changes, in the order of their first use.
std::vector<std::string> trainable_tensors(const Graph& graph) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const Node& node : graph.nodes()) {
    for (const Slot& slot : op_def(node.op).slots) {
      const auto it = node.params.find(std::string(slot.name));
      if (!slot.trainable || it == node.params.end()) continue;
      if (seen.insert(it->second.tensor).second) names.push_back(it->second.tensor);
    }
  }
  return names;
}

/// Checks that `input` is a batch of what the node stands for.
void check_input(const Node& node, const at::Tensor& input) {
  const Shape& expected = node.shape;
  const bool fits = input.defined() && input.dim() == static_cast<int64_t>(expected.size()) &&
                    input.sizes().slice(1) == at::IntArrayRef(expected).slice(1);
  if (fits) return;
  std::string wanted = "[N";
  for (size_t axis = 1; axis < expected.size(); ++axis) wanted += cat(", ", expected[axis]);
  const std::string given =
      input.defined() ? format_shape({input.sizes().begin(), input.sizes().end()}) : "nothing";
  throw Error(cat(node.label(), " expected a batch of shape ", wanted, "], got ", given));
}

/// The product with a mask, 0 where it hides something infinite.
at::Tensor masked(const at::Tensor& value, const at::Tensor& mask) {
  return at::masked_fill(at::mul(value, mask), at::eq(mask, 0), 0);
}

}  // namespace

GraphModule::GraphModule(Graph graph, Params params)
    : graph_(std::move(graph)), params_(std::move(params)) {
  check_params(graph_, params_);
  kernels_ = make_kernels(graph_);
  done_after_ = values_done_after(graph_);
  bind();
}

void GraphModule::bind() {
  parameters_.clear();
  for (const std::string& name : trainable_tensors(graph_)) {
    const at::Tensor& tensor = params_.at(name);
    tensor.set_requires_grad(true);
    parameters_.emplace_back(name, tensor);
  }
  slots_.clear();
  for (const Node& node : graph_.nodes()) {
    SlotTensors& slots = slots_.emplace_back();
    for (const auto& [slot, param] : node.params) slots[slot] = params_.at(param.tensor);
  }
}

const at::Tensor& GraphModule::param(NodeId id, const std::string& slot) const {
  const SlotTensors& slots = slots_.at(index(id));
  const auto it = slots.find(slot);
  if (it == slots.end()) throw Error(cat(graph_[id].label(), " has no param '", slot, "'"));
  return it->second;
}

at::Tensor GraphModule::forward(const at::Tensor& input) const {
  std::vector<at::Tensor> outputs = forward(std::span(&input, 1));
  if (outputs.size() != 1) {
    throw Error(
        cat("network '", graph_.name(), "' has ", outputs.size(), " outputs; ask for all of them"));
  }
  return std::move(outputs.front());
}

std::vector<at::Tensor> GraphModule::forward(std::span<const at::Tensor> inputs) const {
  std::vector<at::Tensor> values = run(inputs, Keep::kOutputs);
  std::vector<at::Tensor> outputs;
  for (const NodeId output : graph_.outputs()) outputs.push_back(values[index(output)]);
  return outputs;
}

std::vector<at::Tensor> GraphModule::forward_all(std::span<const at::Tensor> inputs) const {
  return run(inputs, Keep::kAll);
}

std::vector<at::Tensor> GraphModule::run(std::span<const at::Tensor> inputs, Keep keep) const {
  const std::vector<NodeId> entries = graph_.inputs();
  if (inputs.size() != entries.size()) {
    throw Error(
        cat("network '", graph_.name(), "' has ", entries.size(), " inputs, got ", inputs.size()));
  }
  std::vector<at::Tensor> values(kernels_.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    check_input(graph_[entries[i]], inputs[i]);
    values[index(entries[i])] = inputs[i];
  }
  for (const NodeId id : graph_.ids()) {
    values[index(id)] = run_node(id, values);
    if (keep == Keep::kAll) continue;
    for (const size_t value : done_after_[index(id)]) values[value].reset();
  }
  return values;
}

at::Tensor GraphModule::run_node(NodeId id, std::span<const at::Tensor> values) const {
  const Node& node = graph_[id];
  try {
    // An Input reads the value it was given.
    if (node.inputs.empty()) return call_kernel(id, values.subspan(index(id), 1));
    std::vector<at::Tensor> read;
    read.reserve(node.inputs.size());
    for (const NodeId input : node.inputs) read.push_back(values[index(input)]);
    for (size_t i = 0; i < read.size() && !masks_.empty(); ++i) {
      const auto mask = masks_.find({id, i});
      if (mask != masks_.end()) read[i] = masked(read[i], mask->second);
    }
    return call_kernel(id, read);
  } catch (const c10::Error& error) {
    throw Error(cat(node.label(), " ", error.what_without_backtrace()));
  }
}

at::Tensor GraphModule::call_kernel(NodeId id, std::span<const at::Tensor> inputs) const {
  return kernels_[index(id)]({inputs, slots_[index(id)], training_});
}

void GraphModule::to(c10::Device device) {
  std::map<const c10::TensorImpl*, at::Tensor> moved;
  const auto move = [&](const at::Tensor& tensor) {
    at::Tensor& copy = moved[tensor.unsafeGetTensorImpl()];
    if (!copy.defined()) copy = tensor.detach().to(device);
    return copy;
  };
  for (auto& [name, tensor] : params_) tensor = move(tensor);
  for (auto& [place, mask] : masks_) mask = move(mask);
  bind();
}

c10::Device GraphModule::device() const {
  return params_.empty() ? c10::Device(c10::kCPU) : params_.begin()->second.device();
}

}  // namespace morph
