#include "morph/report/network_blocks.h"

#include <algorithm>
#include <utility>

#include "morph/base/error.h"
#include "morph/base/strings.h"

namespace morph {
namespace {

constexpr size_t kLongestChain = 10;

bool is_merge(const OperatorFigures& node) { return node.inputs.size() > 1; }

bool is_pool(const OperatorFigures& node) {
  return node.op.find("Pool") != std::string::npos || node.op == "Input";
}

std::vector<size_t> reader_counts(const std::vector<OperatorFigures>& graph) {
  std::vector<size_t> counts(graph.size(), 0);
  for (const OperatorFigures& node : graph) {
    for (const int64_t input : node.inputs) ++counts[static_cast<size_t>(input)];
  }
  return counts;
}

/// By operator: bypassed ones still hand a value on, removed ones do not.
std::vector<Fate> operator_fates(const std::vector<OperatorFigures>& graph) {
  std::vector<Fate> fates;
  for (const OperatorFigures& node : graph) {
    const bool flows = std::any_of(node.inputs.begin(), node.inputs.end(), [&](int64_t input) {
      return fates[static_cast<size_t>(input)] != Fate::kRemoved;
    });
    const bool passes = is_merge(node) && flows;
    fates.push_back(!node.removed ? Fate::kKept : passes ? Fate::kBypassed : Fate::kRemoved);
  }
  return fates;
}

Fate box_fate(const NetworkBox& box, const std::vector<Fate>& fates) {
  if (fates[box.head] == Fate::kKept) return Fate::kKept;
  const bool flows = std::any_of(box.operators.begin(), box.operators.end(), [&](size_t member) {
    return fates[member] != Fate::kRemoved;
  });
  return flows ? Fate::kBypassed : Fate::kRemoved;
}

/// True if `next` may stand in the box whose last operator it reads.
bool joins(const std::vector<OperatorFigures>& graph, const NetworkBox& box, size_t next) {
  const OperatorFigures& node = graph[next];
  if (is_merge(node) || is_pool(node) || is_pool(graph[box.head])) return false;
  return !node.has_weights || !(graph[box.head].has_weights || is_merge(graph[box.head]));
}

std::vector<std::string> name_parts(const std::string& name) {
  return split(dotted_name(name), '.');
}

/// What names of one chain share: "layer1.0" of "layer1.0.conv1", "features" of "features.3".
std::string chain_key(const std::string& name) {
  const std::vector<std::string> parts = name_parts(name);
  if (parts.size() > 2) return parts[0] + "." + parts[1];
  return parts.size() == 2 ? parts[0] : "";
}

/// Chains go on where names agree, and over a pool, whose name says little.
bool same_chain(const OperatorFigures& one, const OperatorFigures& other) {
  const std::string key = chain_key(one.name);
  const std::string next = chain_key(other.name);
  return key == next || is_pool(one) || is_pool(other);
}

/// The leading parts that all layers of the block share, without the last part of any.
std::string block_name(const std::vector<OperatorFigures>& graph,
                       const std::vector<NetworkBox>& boxes,
                       const NetworkBlock& block) {
  std::vector<std::string> shared;
  bool is_first = true;
  for (size_t i = block.first; i < block.first + block.count; ++i) {
    if (!graph[boxes[i].head].has_weights) continue;
    std::vector<std::string> parts = name_parts(graph[boxes[i].head].name);
    parts.pop_back();
    if (std::exchange(is_first, false)) shared = parts;
    const auto differs =
        std::mismatch(shared.begin(), shared.end(), parts.begin(), parts.end()).first;
    shared.erase(differs, shared.end());
  }
  return join(shared, ".");
}

}  // namespace

std::string dotted_name(std::string name) {
  std::ranges::replace(name, '/', '.');
  const size_t start = name.find_first_not_of('.');
  return start == std::string::npos ? name : name.substr(start);
}

std::vector<NetworkBox> network_boxes(const std::vector<OperatorFigures>& graph) {
  const std::vector<size_t> readers = reader_counts(graph);
  const std::vector<Fate> fates = operator_fates(graph);
  std::vector<NetworkBox> boxes;
  std::vector<size_t> box_of(graph.size(), 0);
  for (size_t i = 0; i < graph.size(); ++i) {
    const OperatorFigures& node = graph[i];
    const bool single =
        node.inputs.size() == 1 && readers[static_cast<size_t>(node.inputs[0])] == 1;
    const size_t before = single ? box_of[static_cast<size_t>(node.inputs[0])] : 0;
    if (!single || !joins(graph, boxes[before], i)) {
      box_of[i] = boxes.size();
      boxes.push_back({.head = i});
    } else {
      box_of[i] = before;
    }
    NetworkBox& box = boxes[box_of[i]];
    box.operators.push_back(i);
    if (node.has_weights) box.head = i;
  }
  for (NetworkBox& box : boxes) {
    box.fate = box_fate(box, fates);
    for (const int64_t input : graph[box.operators.front()].inputs) {
      const size_t from = box_of[static_cast<size_t>(input)];
      if (std::ranges::find(box.inputs, from) == box.inputs.end()) box.inputs.push_back(from);
    }
  }
  return boxes;
}

std::vector<NetworkBlock> network_blocks(const std::vector<OperatorFigures>& graph,
                                         const std::vector<NetworkBox>& boxes) {
  std::vector<size_t> last_reader(boxes.size(), 0);
  for (size_t i = 0; i < boxes.size(); ++i) {
    for (const size_t input : boxes[i].inputs) last_reader[input] = i;
  }
  std::vector<NetworkBlock> blocks;
  size_t furthest = 0;  // Of the readers of all boxes before.
  size_t first = 0;
  bool chain = false;  // The last block is one and may go on.
  for (size_t i = 0; i < boxes.size(); ++i) {
    const bool alone = furthest <= i;
    furthest = std::max(furthest, last_reader[i]);
    if (!alone) continue;
    const bool single = first == i;
    const bool longer = single && chain && blocks.back().count < kLongestChain &&
                        same_chain(graph[boxes[first - 1].head], graph[boxes[i].head]);
    if (longer) {
      ++blocks.back().count;
    } else {
      blocks.push_back({.first = first, .count = i + 1 - first});
    }
    chain = single;
    first = i + 1;
  }
  if (first < boxes.size()) blocks.push_back({.first = first, .count = boxes.size() - first});
  for (NetworkBlock& block : blocks) block.name = block_name(graph, boxes, block);
  return blocks;
}

}  // namespace morph
