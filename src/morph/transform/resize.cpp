#include "morph/transform/resize.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "morph/analysis/shapes.h"
#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/ops/op_def.h"

namespace morph {
namespace {

size_t at(ChannelId set) { return static_cast<size_t>(set); }

bool has_value(const Graph& graph, const ChannelGroups& groups, NodeId id, const Survivors& left) {
  const auto& ids = groups.channels(id).ids;
  const auto is_alive = [&](ChannelId set) { return left.sets[at(set)]; };
  if (std::none_of(ids.begin(), ids.end(), is_alive)) return false;
  const auto& inputs = graph[id].inputs;
  const auto survives = [&](NodeId input) { return left.nodes[index(input)]; };
  if (inputs.empty()) return true;
  return op_def(graph[id].op).needs == Needs::kEveryInput
             ? std::all_of(inputs.begin(), inputs.end(), survives)
             : std::any_of(inputs.begin(), inputs.end(), survives);
}

/// Marks the sets that a surviving node makes anew, that is, does not take from an input.
std::vector<bool> introduced_sets(const Graph& graph,
                                  const ChannelGroups& groups,
                                  const std::vector<bool>& nodes) {
  std::vector<bool> introduced(at(groups.set_count()), false);
  std::vector<int32_t> taken_by(at(groups.set_count()), -1);
  for (const NodeId id : graph.ids()) {
    if (!nodes[index(id)]) continue;
    const auto mark = static_cast<int32_t>(index(id));
    const bool makes = !groups.notes(id).reads.empty();
    for (const NodeId input : graph[id].inputs) {
      for (const ChannelId set : groups.channels(input).ids) taken_by[at(set)] = mark;
    }
    for (const ChannelId set : groups.channels(id).ids) {
      if (makes || taken_by[at(set)] != mark) introduced[at(set)] = true;
    }
  }
  return introduced;
}

size_t count_varying(const Channels& channels) {
  return static_cast<size_t>(std::count_if(
      channels.extents.begin(), channels.extents.end(), [](int64_t n) { return n > 1; }));
}

/// For each axis of a value, the copies of each of its positions.
Copies axis_copies(const Channels& channels, const std::vector<int64_t>& copies) {
  Copies result(channels.extents.size());
  size_t stride = 1;
  for (size_t axis = channels.extents.size(); axis-- > 0;) {
    const auto extent = static_cast<size_t>(channels.extents[axis]);
    if (extent > 1) {
      auto& counts = result[axis];
      counts.assign(extent, 0);
      for (size_t i = 0; i < channels.ids.size(); ++i) {
        int64_t& count = counts[(i / stride) % extent];
        count = std::max(count, copies[at(channels.ids[i])]);
      }
    }
    stride *= extent;
  }
  return result;
}

/// The same for any value. Where several axes vary, those along which tied sets only repeat
/// themselves keep their extent. With a single channel no axis varies; it then widens along axis 1,
/// where ONNX operators that make channels put them.
Copies value_copies(const Channels& channels,
                    const Shape& shape,
                    const std::vector<int64_t>& copies) {
  constexpr size_t kChannelAxis = 1;
  Copies result =
      axis_copies(count_varying(channels) > 1 ? channels.compressed() : channels, copies);
  if (channels.ids.size() == 1 && shape.size() > kChannelAxis && shape[kChannelAxis] == 1) {
    result[kChannelAxis] = {copies[at(channels.ids.front())]};
  }
  return result;
}

Shape resized(const Shape& shape, const Copies& copies) {
  Shape result = shape;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (copies[axis].empty()) continue;
    result[axis] = std::accumulate(copies[axis].begin(), copies[axis].end(), int64_t{0});
  }
  return result;
}

/// A run of positions of one set, such as a channel of a flattened map, is copied as a whole: the
/// copy of a channel is flattened as it is.
std::vector<int64_t> positions(const std::vector<ChannelId>& ids,
                               const std::vector<int64_t>& copies) {
  std::vector<int64_t> kept;
  for (size_t begin = 0, end = 0; begin < ids.size(); begin = end) {
    while (end < ids.size() && ids[end] == ids[begin]) ++end;
    for (int64_t copy = 0; copy < copies[at(ids[begin])]; ++copy) {
      for (size_t i = begin; i < end; ++i) kept.push_back(static_cast<int64_t>(i));
    }
  }
  return kept;
}

std::vector<bool> needed_nodes(const Graph& graph, const std::vector<bool>& survives) {
  std::vector<bool> needed(survives.size(), false);
  for (const NodeId output : graph.outputs()) needed[index(output)] = true;
  for (size_t i = survives.size(); i-- > 0;) {
    const Node& node = graph.nodes()[i];
    if (node.op == "Input") needed[i] = true;
    if (!needed[i]) continue;
    for (const NodeId input : node.inputs) {
      if (survives[index(input)]) needed[index(input)] = true;
    }
  }
  return needed;
}

[[noreturn]] void refuse_cut(const Graph& graph,
                             const ChannelGroups& groups,
                             const std::vector<bool>& wanted,
                             NodeId output) {
  std::vector<std::string> dead;
  for (const NodeId id : graph.ids()) {
    const auto& made = groups.made_by(id);
    const auto is_wanted = [&](ChannelId set) { return wanted[at(set)]; };
    if (!made.empty() && std::none_of(made.begin(), made.end(), is_wanted)) {
      dead.push_back(cat("'", graph[id].name, "'"));
    }
  }
  throw Error(cat("the network would be cut through: no path from an input to its output '",
                  graph[output].name,
                  "' is left once ",
                  join(dead, ", "),
                  dead.size() == 1 ? " has" : " have",
                  " no channels; keep at least one channel there"));
}

/// One rebuilding of a graph.
class Resizing {
 public:
  Resizing(const Graph& graph, const ChannelGroups& groups, const std::vector<int64_t>& copies)
      : graph_(graph), groups_(groups), copies_(copies), result_{.graph = Graph(graph.name())} {
    for (const int64_t count : copies) wanted_.push_back(count > 0);
    left_ = find_survivors(graph, groups, wanted_);
    for (size_t set = 0; set < copies_.size(); ++set) {
      if (!left_.sets[set]) copies_[set] = 0;
    }
  }

  Rewrite run() {
    for (const NodeId output : graph_.outputs()) {
      if (!left_.nodes[index(output)]) refuse_cut(graph_, groups_, wanted_, output);
    }
    const std::vector<bool> needed = needed_nodes(graph_, left_.nodes);
    new_id_.resize(needed.size());
    for (const NodeId id : graph_.ids()) {
      if (!needed[index(id)] || !left_.nodes[index(id)] || !place(id)) {
        result_.removed.push_back(graph_[id].name);
      }
    }
    std::vector<NodeId> outputs;
    for (const NodeId output : graph_.outputs()) outputs.push_back(new_id_[index(output)]);
    result_.graph.set_outputs(std::move(outputs));
    result_.graph = infer_shapes(result_.graph);
    return std::move(result_);
  }

 private:
  /// Puts the node into the new graph; false if another node now stands for it.
  bool place(NodeId id) {
    const Node& old = graph_[id];
    std::vector<NodeId> inputs;
    for (const NodeId input : old.inputs) {
      if (left_.nodes[index(input)]) inputs.push_back(input);
    }
    if (inputs.size() < old.inputs.size()) {
      check_left_out(id);
      if (inputs.size() == 1) return stand_in(id, inputs.front());
    }
    Node node = old;
    node.shape.clear();
    node.inputs.clear();
    for (const NodeId input : inputs) node.inputs.push_back(new_id_[index(input)]);
    resize_attributes(id, inputs, node);
    slice_params(id, node);
    node.shape = op_def(node.op).infer_shape(node, new_shapes(inputs));
    if (inputs.size() < old.inputs.size() && node.shape != new_shape(id)) refuse_left_out(id);
    new_id_[index(id)] = result_.graph.add(std::move(node));
    return true;
  }

  /// A node with one of several inputs left is that input; an output keeps its name by an Identity.
  bool stand_in(NodeId id, NodeId input) {
    const auto& outputs = graph_.outputs();
    new_id_[index(id)] = new_id_[index(input)];
    if (new_shape(input) != new_shape(id)) refuse_left_out(id);
    if (std::find(outputs.begin(), outputs.end(), id) == outputs.end()) return false;
    new_id_[index(id)] = result_.graph.add({.name = graph_[id].name,
                                            .op = "Identity",
                                            .inputs = {new_id_[index(input)]},
                                            .shape = new_shape(id)});
    return true;
  }

  /// The inputs that are left must still make the whole output.
  void check_left_out(NodeId id) const {
    std::set<ChannelId> offered;
    for (const NodeId input : graph_[id].inputs) {
      if (!left_.nodes[index(input)]) continue;
      offered.insert(groups_.channels(input).ids.begin(), groups_.channels(input).ids.end());
    }
    for (const ChannelId set : groups_.channels(id).ids) {
      if (left_.sets[at(set)] && offered.count(set) == 0) refuse_left_out(id);
    }
  }

  [[noreturn]] void refuse_left_out(NodeId id) const {
    throw Error(cat(graph_[id].label(),
                    " loses a whole input whose channels or size the others do not bring; keep a "
                    "channel in the layers before that input, or remove what is tied to it too"));
  }

  void slice_params(NodeId id, Node& node) {
    std::map<std::string, Slice> slices;
    for (auto& [slot, param] : node.params) {
      slices[slot] = {.source = param.tensor,
                      .keep = std::vector<std::optional<std::vector<int64_t>>>(param.shape.size())};
    }
    for (const ParamChannels& param : groups_.notes(id).params) {
      std::vector<int64_t> keep = positions(param.ids, copies_);
      Param& target = node.params.at(param.slot);
      const int64_t extent = target.shape[param.axis];
      target.shape[param.axis] = static_cast<int64_t>(keep.size());
      std::vector<int64_t> everything(static_cast<size_t>(extent));
      std::iota(everything.begin(), everything.end(), int64_t{0});
      if (keep != everything) slices[param.slot].keep[param.axis] = std::move(keep);
    }
    for (auto& [slot, slice] : slices) {
      const std::string& tensor = node.params.at(slot).tensor;
      const auto [it, is_new] = result_.plan.emplace(tensor, slice);
      MORPH_CHECK(is_new || it->second == slice);
    }
  }

  std::vector<Shape> new_shapes(const std::vector<NodeId>& old_ids) const {
    std::vector<Shape> shapes;
    for (const NodeId id : old_ids) shapes.push_back(result_.graph[new_id_[index(id)]].shape);
    return shapes;
  }

  void resize_attributes(NodeId id, const std::vector<NodeId>& inputs, Node& node) const {
    std::vector<Shape> old_inputs;
    std::vector<Copies> input_copies;
    for (const NodeId input : inputs) {
      old_inputs.push_back(graph_[input].shape);
      input_copies.push_back(copies_of(input));
    }
    const Copies output_copies = copies_of(id);
    const Shape new_output = new_shape(id);
    op_def(node.op).resize(node,
                           {.old_inputs = old_inputs,
                            .input_copies = input_copies,
                            .new_inputs = new_shapes(inputs),
                            .output_copies = output_copies,
                            .new_output = new_output});
  }

  Copies copies_of(NodeId id) const {
    return value_copies(groups_.channels(id), graph_[id].shape, copies_);
  }

  Shape new_shape(NodeId id) const { return resized(graph_[id].shape, copies_of(id)); }

  const Graph& graph_;
  const ChannelGroups& groups_;
  std::vector<int64_t> copies_;
  std::vector<bool> wanted_;
  Survivors left_;
  std::vector<NodeId> new_id_;
  Rewrite result_;
};

}  // namespace

Survivors find_survivors(const Graph& graph,
                         const ChannelGroups& groups,
                         const std::vector<bool>& alive) {
  Survivors left{.nodes = {}, .sets = alive};
  while (true) {
    left.nodes.assign(graph.nodes().size(), false);
    for (const NodeId id : graph.ids()) {
      left.nodes[index(id)] = has_value(graph, groups, id, left);
    }
    const std::vector<bool> introduced = introduced_sets(graph, groups, left.nodes);
    bool changed = false;
    for (size_t set = 0; set < alive.size(); ++set) {
      if (left.sets[set] && !introduced[set]) {
        left.sets[set] = false;
        changed = true;
      }
    }
    if (!changed) return left;
  }
}

Rewrite resize_channels(const Graph& graph,
                        const ChannelGroups& groups,
                        const std::vector<int64_t>& copies) {
  MORPH_CHECK(copies.size() == at(groups.set_count()));
  return Resizing(graph, groups, copies).run();
}

}  // namespace morph
