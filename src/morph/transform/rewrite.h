#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "morph/ir/graph.h"

namespace morph {

/// How to cut one tensor out of an old one: for each axis the positions to keep, in order; nothing
/// means all of them.
struct Slice {
  std::string source = {};  ///< Name of the old tensor.
  std::vector<std::optional<std::vector<int64_t>>> keep = {};

  bool operator==(const Slice&) const = default;
};

/// By new tensor's name, where its values come from.
using SlicePlan = std::map<std::string, Slice>;

/// What every transform returns: a new graph, and how to make its weights from the old ones.
struct Rewrite {
  Graph graph = Graph();
  SlicePlan plan = {};
  std::vector<std::string> removed = {};  ///< Names of nodes that left the graph, in old order.
};

}  // namespace morph
