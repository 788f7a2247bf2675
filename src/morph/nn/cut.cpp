#include "morph/nn/cut.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>

#include "morph/analysis/runnable_part.h"
#include "morph/base/error.h"
#include "morph/nn/kernels.h"
#include "morph/nn/sample_outputs.h"
#include "morph/ops/op_def.h"
#include "morph/ops/opaque.h"
#include "morph/ops/recurrent.h"
#include "morph/transform/resize.h"

namespace morph {
namespace {

constexpr double kLargestDifference = 1e-5;
constexpr double kShut = -1e3;  // A logit at which a gate lets nothing through.

/// 1 at alive positions of a value, 0 elsewhere; broadcasts over the axes without channels.
at::Tensor alive_mask(const Channels& channels, const std::vector<bool>& alive) {
  std::vector<double> mask;
  for (const ChannelId set : channels.ids) mask.push_back(alive[static_cast<size_t>(set)] ? 1 : 0);
  return at::tensor(mask).reshape(channels.extents);
}

int64_t count_dead(const std::vector<ChannelId>& ids, const std::vector<bool>& alive) {
  return std::count_if(
      ids.begin(), ids.end(), [&](ChannelId set) { return !alive[static_cast<size_t>(set)]; });
}

double largest_magnitude(const at::Tensor& tensor) {
  return tensor.numel() == 0 ? 0 : tensor.abs().max().item<double>();
}

/// One removal of channels from a network with weights.
class Cutting {
 public:
  Cutting(const Graph& graph, const Params& params, const ChannelGroups& groups)
      : graph_(graph),
        groups_(groups),
        readers_(consumers(graph)),
        runnable_(runnable_part(graph)),
        masked_(to_double(params)),
        folded_(masked_) {}

  Cut run(const Params& params, const std::vector<bool>& alive) {
    Rewrite rewrite = resize_channels(graph_, groups_, {alive.begin(), alive.end()});
    left_ = find_survivors(graph_, groups_, alive);
    silence_dead_channels();
    hide_vanished_inputs();
    fold_constants();
    Cut cut{.graph = std::move(rewrite.graph), .removed = std::move(rewrite.removed)};
    cut.constants = std::move(notes_);
    const Params cut_params = morph::apply(rewrite.plan, folded_);
    cut.equivalence = compare(cut.graph, cut_params);
    MORPH_CHECK(cut.equivalence <= kLargestDifference);
    for (const auto& [name, tensor] : cut_params) {
      const at::Tensor& original = params.at(rewrite.plan.at(name).source);
      cut.params[name] = tensor.detach().to(original.options());
    }
    return cut;
  }

 private:
  /// Zeroes what makes or scales a dead channel, but not what is added to it.
  void silence_dead_channels() {
    for (const NodeId id : graph_.ids()) {
      for (const ParamChannels& param : groups_.notes(id).params) {
        if (param.slot == "logits") shut_dead_gates(graph_[id].params.at(param.slot), param.ids);
        if (!param.of_output || param.slot != "weight") continue;
        Shape extents(graph_[id].params.at(param.slot).shape.size(), 1);
        extents[param.axis] = static_cast<int64_t>(param.ids.size());
        const at::Tensor mask = alive_mask({.extents = extents, .ids = param.ids}, left_.sets);
        masked_.at(graph_[id].params.at(param.slot).tensor).mul_(mask);
      }
    }
    folded_ = to_double(masked_);
  }

  void shut_dead_gates(const Param& logits, const std::vector<ChannelId>& ids) {
    const at::Tensor mask = alive_mask({.extents = logits.shape, .ids = ids}, left_.sets);
    masked_.at(logits.tensor).masked_fill_(mask.eq(0), kShut);
  }

  /// A value that vanished reads as zero where others stand beside it.
  void hide_vanished_inputs() {
    for (const NodeId id : graph_.ids()) {
      if (!left_.nodes[index(id)]) continue;
      const auto& inputs = graph_[id].inputs;
      for (size_t i = 0; i < inputs.size(); ++i) {
        if (!left_.nodes[index(inputs[i])]) masks_[{id, i}] = at::tensor({0.0});
      }
    }
  }

  void fold_constants() {
    std::vector<NodeId> open;
    for (const NodeId id : graph_.ids()) {
      const std::vector<ChannelId>& reads = groups_.notes(id).reads;
      if (left_.nodes[index(id)] && count_dead(reads, left_.sets) > 0) open.push_back(id);
    }
    if (open.empty()) return;
    // A silenced channel does not depend on what its maker reads, so hiding some from one node
    // leaves the constants of the others as they are, and one run tells them all.
    const std::vector<at::Tensor> values = run_masked();
    for (const NodeId id : open) {
      if (!fold(id, values)) hide_dead_channels(id);
    }
  }

  std::vector<at::Tensor> run_masked() const {
    GraphModule module(runnable_, to_double(masked_));
    module.set_training(false);
    module.set_masks(masks_);
    const at::NoGradGuard no_grad;
    return module.forward_all(sample_inputs(runnable_));
  }

  void hide_dead_channels(NodeId id) {
    masks_[{id, 0}] = alive_mask(groups_.channels(graph_[id].inputs.front()), left_.sets);
  }

  /// Folds what dead channels of its first input contribute to the node; false if they must be
  /// hidden. `values` are those of all nodes.
  bool fold(NodeId id, const std::vector<at::Tensor>& values) {
    const NodeId first = graph_[id].inputs.front();
    const at::Tensor mask = alive_mask(groups_.channels(first), left_.sets);
    const at::Tensor dead_only = values[index(first)] * (1 - mask);
    ConstantNote note{.node = graph_[id].name,
                      .channels = count_dead(groups_.notes(id).reads, left_.sets)};
    if (is_recurrent(graph_[id])) {
      note.largest = largest_magnitude(dead_only);
      if (note.largest == 0) return true;
      note.reason = "the node is not linear in what it reads";
      notes_.push_back(note);
      return false;
    }
    const at::Tensor contribution =
        call(id, dead_only, values) - call(id, at::zeros_like(dead_only), values);
    note.largest = largest_magnitude(contribution);
    if (note.largest == 0) return true;
    const size_t axis = made_along(id);
    const at::Tensor by_channel = contribution.movedim(static_cast<int64_t>(axis), 0).flatten(1);
    const at::Tensor shift = by_channel.select(1, 0);
    const double spread = largest_magnitude(by_channel - shift.unsqueeze(1));
    // In double precision a sum over the same numbers in another order differs by about 1e-15.
    if (!std::isfinite(note.largest)) {
      note.reason = "it is not finite";
    } else if (spread > 1e-9 * note.largest) {
      note.reason = "it differs between positions (zero padding, or a border)";
    } else {
      note.folded = add_shift(id, axis, shift);
      if (!note.folded)
        note.reason =
            "the node has no bias, and no BatchNormalization or added constant of its own";
    }
    notes_.push_back(note);
    return note.folded;
  }

  /// The node's value with another first input.
  at::Tensor call(NodeId id, const at::Tensor& first, const std::vector<at::Tensor>& values) const {
    std::vector<Shape> shapes;
    std::vector<at::Tensor> inputs;
    for (const NodeId input : graph_[id].inputs) {
      shapes.push_back(graph_[input].shape);
      inputs.push_back(values[index(input)]);
    }
    inputs.front() = first;
    SlotTensors slots;
    for (const auto& [slot, param] : graph_[id].params) slots[slot] = masked_.at(param.tensor);
    const at::NoGradGuard no_grad;
    return make_kernel({.node = graph_[id], .inputs = shapes})(
        {.inputs = inputs, .params = slots, .training = false});
  }

  /// The axis of a node's output that its channels lie along; a single one takes any of size 1.
  size_t made_along(NodeId id) const {
    const Shape& shape = graph_[id].shape;
    for (size_t axis = 1; axis < shape.size(); ++axis) {
      if (groups_.channels(id).varies_along(axis)) return axis;
    }
    size_t axis = shape.size() - 1;
    while (axis > 1 && shape[axis] != 1) --axis;
    return axis;
  }

  /// Adds a constant to each output channel of a node, in the weights that are to be cut.
  bool add_shift(NodeId id, size_t axis, const at::Tensor& shift) {
    const Node& node = graph_[id];
    if (node.has_param("bias")) {
      folded_.at(node.params.at("bias").tensor).add_(shift);
      return true;
    }
    const auto& readers = readers_[index(id)];
    if (readers.size() != 1) return false;
    const Node& reader = graph_[readers.front()];
    if (reader.has_param("running_mean") && axis == 1) {
      folded_.at(reader.params.at("running_mean").tensor).sub_(shift);
      return true;
    }
    return (reader.op == "Add" || reader.op == "Sum") && add_to_constant(reader, axis, shift);
  }

  /// The same in a constant of each channel that nothing but the sum reads.
  bool add_to_constant(const Node& sum, size_t axis, const at::Tensor& shift) {
    for (const NodeId input : sum.inputs) {
      const Node& constant = graph_[input];
      if (!constant.has_param("value") || readers_[index(input)].size() != 1) continue;
      if (constant.shape[axis] != shift.numel()) continue;
      Shape extents(constant.shape.size(), 1);
      extents[axis] = shift.numel();
      folded_.at(constant.params.at("value").tensor).add_(shift.reshape(extents));
      return true;
    }
    return false;
  }

  /// What both networks return, and what both give to ops that are not known: node of the cut one,
  /// node of ours. Ops that are not known lose no channels.
  std::vector<std::pair<NodeId, NodeId>> judged_values(const Graph& cut) const {
    std::vector<std::pair<NodeId, NodeId>> pairs;
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      pairs.emplace_back(cut.outputs()[i], graph_.outputs()[i]);
    }
    for (const Node& node : cut.nodes()) {
      if (!is_opaque(node)) continue;
      const Node& ours = graph_[graph_.find(node.name).value()];
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        pairs.emplace_back(node.inputs[i], ours.inputs[i]);
      }
    }
    return pairs;
  }

  double compare(const Graph& graph, const Params& params) const {
    const std::vector<at::Tensor> values = run_masked();
    GraphModule cut(runnable_part(graph), params);
    cut.set_training(false);
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> inputs;
    for (const NodeId id : cut.graph().inputs()) {
      inputs.push_back(values[index(graph_.find(graph[id].name).value())]);
    }
    const std::vector<at::Tensor> cut_values = cut.forward_all(inputs);
    std::vector<at::Tensor> expected;
    std::vector<at::Tensor> made;
    for (const auto& [id, ours] : judged_values(graph)) {
      expected.push_back(values[index(ours)]);
      made.push_back(cut_values[index(id)]);
    }
    return relative_difference(expected, made);
  }

  const Graph& graph_;
  const ChannelGroups& groups_;
  std::vector<std::vector<NodeId>> readers_;
  Graph runnable_;
  Params masked_;  // At full size, dead channels silenced.
  Params folded_;  // The same with constants folded: what the cut network's weights are cut from.
  Survivors left_;
  InputMasks masks_;
  std::vector<ConstantNote> notes_;
};

}  // namespace

Cut cut_channels(const Graph& graph,
                 const Params& params,
                 const ChannelGroups& groups,
                 const std::vector<bool>& alive) {
  return Cutting(graph, params, groups).run(params, alive);
}

}  // namespace morph
