#include "morph/cost/node_work.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "morph/base/error.h"
#include "morph/cost/morph_net.h"

namespace morph {
namespace {

/// How many elements of a value belong to each position of its channels.
int64_t elements_per_channel(const Graph& graph, const ChannelBlocks& blocks, NodeId id) {
  const auto channels = static_cast<int64_t>(full_count(blocks, blocks.out[index(id)]));
  MORPH_CHECK(channels > 0);
  return element_count(graph[id].shape) / channels;
}

/// The elements of several values, by block.
std::vector<BlockCount> count_elements(const Graph& graph,
                                       const ChannelBlocks& blocks,
                                       const std::vector<NodeId>& values) {
  std::map<int32_t, int64_t> elements;
  for (const NodeId id : values) {
    const int64_t size = elements_per_channel(graph, blocks, id);
    for (const BlockCount& count : blocks.out[index(id)]) {
      elements[count.block] += size * count.positions;
    }
  }
  std::vector<BlockCount> counts;
  for (const auto& [block, positions] : elements) {
    counts.push_back({.block = block, .positions = positions});
  }
  return counts;
}

/// A value that is the same for every example.
bool is_constant(const Node& node) { return node.inputs.empty() && node.op != "Input"; }

/// Whether every block of `part` is one of `whole`.
bool is_within(const std::vector<BlockCount>& part, const std::vector<BlockCount>& whole) {
  return std::all_of(part.begin(), part.end(), [&](const BlockCount& count) {
    return std::any_of(whole.begin(), whole.end(), [&](const BlockCount& other) {
      return other.block == count.block;
    });
  });
}

/// A constant that a node reads dies along with its output's channels, if it has the same ones.
void add_constant(const Graph& graph, const ChannelBlocks& blocks, NodeId id, NodeWork& node) {
  const auto size = static_cast<double>(element_count(graph[id].shape));
  if (is_within(blocks.out[index(id)], node.out)) {
    node.work.params_per_output += size / full_count(blocks, node.out);
  } else {
    node.work.fixed_size += size;
  }
}

/// What a node reads and writes.
void add_values(const Graph& graph, const ChannelBlocks& blocks, NodeId id, NodeWork& node) {
  const std::vector<NodeId>& inputs = graph[id].inputs;
  node.work.output_size = static_cast<double>(elements_per_channel(graph, blocks, id));
  if (node.work.is_part) {
    node.work.output_size *= 2;
    return;
  }
  if (inputs.size() == 1) {
    const auto size = static_cast<double>(element_count(graph[inputs[0]].shape));
    node.work.input_size = size / full_count(blocks, node.in);
    return;
  }
  std::vector<NodeId> values;
  for (const NodeId input : inputs) {
    if (is_constant(graph[input])) {
      add_constant(graph, blocks, input, node);
    } else {
      values.push_back(input);
    }
  }
  node.in = count_elements(graph, blocks, values);
  node.work.input_size = 1;
}

/// A product of two values costs by the channels it makes; where its output has none to tell apart,
/// as in attention scores, by those it sums over.
void spread_product(const ChannelBlocks& blocks, NodeWork& node) {
  const double out = full_count(blocks, node.out);
  if (out > 1) {
    node.work.product_per_output = node.work.product_macs / out;
  } else {
    node.work.product_per_input = node.work.product_macs / full_count(blocks, node.in);
  }
}

/// The trainable params of a node beside the weight of a layer.
std::vector<const Param*> offsets_of(const Node& node, const Work& work) {
  std::vector<const Param*> params;
  for (const Slot& slot : op_def(node.op).slots) {
    const auto param = node.params.find(std::string(slot.name));
    const bool is_weight = work.is_layer() && slot.name == "weight";
    if (slot.trainable && !is_weight && param != node.params.end()) {
      params.push_back(&param->second);
    }
  }
  return params;
}

/// Numbers that all channels share, such as the one slope of a PRelu.
bool is_shared_by_channels(const Param& param, double channels) {
  return std::fmod(static_cast<double>(element_count(param.shape)), channels) != 0;
}

/// The params of a node: what its rule calls trainable, and the rest for each output channel.
void add_params(const Node& node, double channels, Work& work) {
  for (const Param* param : offsets_of(node, work)) {
    if (!is_shared_by_channels(*param, channels)) continue;
    const auto size = static_cast<double>(element_count(param->shape));
    work.offsets_per_output -= size / channels;
    work.fixed_params += size;
  }
  work.params_per_pair += work.weights_per_pair;
  work.params_per_output += work.weights_per_output + work.offsets_per_output;
  for (const Slot& slot : op_def(node.op).slots) {
    const auto param = node.params.find(std::string(slot.name));
    if (slot.trainable || param == node.params.end()) continue;
    work.params_per_output += static_cast<double>(element_count(param->second.shape)) / channels;
  }
}

/// `work` without the trainable numbers of tensors that are in `seen`; adds the node's to it.
Work without_seen(Work work, const Node& node, double channels, std::set<std::string>& seen) {
  if (work.is_layer() && node.has_param("weight") &&
      !seen.insert(node.params.at("weight").tensor).second) {
    work.weights_per_pair = work.weights_per_output = 0;
  }
  for (const Param* param : offsets_of(node, work)) {
    if (seen.insert(param->tensor).second) continue;
    const auto size = static_cast<double>(element_count(param->shape));
    if (is_shared_by_channels(*param, channels)) {
      work.fixed_params -= size;
    } else {
      work.offsets_per_output -= size / channels;
    }
  }
  return work;
}

Work rule_work(const Graph& graph, NodeId id) {
  std::vector<Shape> shapes;
  for (const NodeId input : graph[id].inputs) shapes.push_back(graph[input].shape);
  return op_def(graph[id].op).work(graph[id], shapes);
}

NodeWork work_of(const Graph& graph, const ChannelBlocks& blocks, NodeId id) {
  const Node& node = graph[id];
  NodeWork result{
      .work = rule_work(graph, id), .in = blocks.in[index(id)], .out = blocks.out[index(id)]};
  result.work.offsets_per_output += result.work.offsets / full_count(blocks, result.out);
  if (result.work.is_view || node.inputs.empty()) return result;
  add_values(graph, blocks, id, result);
  add_params(node, full_count(blocks, result.out), result.work);
  spread_product(blocks, result);
  return result;
}

/// For each node the one whose memory its output lives in: itself, or the root of what it shows.
std::vector<NodeId> memory_roots(const Graph& graph) {
  std::vector<NodeId> roots;
  for (const NodeId id : graph.ids()) {
    const bool is_view = rule_work(graph, id).is_view;
    roots.push_back(is_view ? roots[index(graph[id].inputs[0])] : id);
  }
  return roots;
}

/// By node index, the last node that needs the memory of a root; the root itself if none reads it.
std::vector<size_t> last_uses(const Graph& graph, const std::vector<NodeId>& roots) {
  std::vector<size_t> last(roots.size());
  for (const NodeId id : graph.ids()) {
    last[index(id)] = std::max(last[index(id)], index(id));
    for (const NodeId input : graph[id].inputs) last[index(roots[index(input)])] = index(id);
  }
  for (const NodeId output : graph.outputs()) last[index(roots[index(output)])] = roots.size();
  return last;
}

}  // namespace

double full_count(const ChannelBlocks& blocks, const std::vector<BlockCount>& counts) {
  double total = 0;
  for (const BlockCount& count : counts) {
    const size_t sets = blocks.sets[static_cast<size_t>(count.block)].size();
    total += static_cast<double>(count.positions) * static_cast<double>(sets);
  }
  return total;
}

std::vector<NodeWork> node_work(const Graph& graph, const ChannelBlocks& blocks, Compat compat) {
  std::vector<NodeWork> nodes;
  for (const NodeId id : graph.ids()) nodes.push_back(work_of(graph, blocks, id));
  if (compat == Compat::kMorphNet) return as_morph_net_charges(graph, blocks, std::move(nodes));
  std::set<std::string> seen;
  for (const NodeId id : graph.ids()) {
    NodeWork& node = nodes[index(id)];
    node.work = without_seen(node.work, graph[id], full_count(blocks, node.out), seen);
  }
  return nodes;
}

std::vector<NodeWork> live_values(const Graph& graph, const ChannelBlocks& blocks) {
  const std::vector<NodeId> roots = memory_roots(graph);
  const std::vector<size_t> last = last_uses(graph, roots);
  std::vector<NodeWork> moments(roots.size());
  std::vector<NodeId> live;
  for (const NodeId id : graph.ids()) {
    if (graph[id].op == "Input") live.push_back(id);
  }
  for (const NodeId id : graph.ids()) {
    if (roots[index(id)] != id || graph[id].inputs.empty()) continue;
    live.push_back(id);
    moments[index(id)] = {.work = {.input_size = 1}, .in = count_elements(graph, blocks, live)};
    std::erase_if(live, [&](NodeId value) { return last[index(value)] <= index(id); });
  }
  return moments;
}

}  // namespace morph
