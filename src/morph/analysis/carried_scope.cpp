#include "morph/analysis/carried_scope.h"

#include <string>
#include <vector>

#include "morph/analysis/channel_groups.h"

namespace morph {
namespace {

std::vector<NodeId> layers_of(const Graph& graph, const ChannelGroups& groups) {
  std::vector<NodeId> layers;
  for (const NodeId id : graph.ids()) {
    if (!groups.made_by(id).empty()) layers.push_back(id);
  }
  return layers;
}

/// The patterns that match at least so many layers of the graph.
std::vector<std::string> still_matching(const std::vector<std::string>& patterns,
                                        const Graph& graph,
                                        const std::vector<NodeId>& layers,
                                        size_t least) {
  std::vector<std::string> result;
  for (const std::string& pattern : patterns) {
    if (matching_nodes(graph, layers, pattern, "scope").size() >= least) result.push_back(pattern);
  }
  return result;
}

/// A pattern that matches this text alone.
std::string escaped(const std::string& text) {
  std::string pattern;
  for (const char c : text) {
    if (std::string_view(R"(\^$.|?*+()[]{})").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

}  // namespace

ChannelScope carried_scope(const ChannelScope& scope, const Graph& seed, const Graph& rest) {
  const ChannelGroups seed_groups = find_channel_groups(seed, scope);
  const std::vector<NodeId> left = layers_of(rest, find_channel_groups(rest));
  const std::vector<bool> reached = nodes_in_scope(seed, {});
  const std::vector<bool> inside = nodes_in_scope(seed, scope);
  ChannelScope result{.tie = still_matching(scope.tie, rest, left, 2),
                      .keep = still_matching(scope.keep, rest, left, 1),
                      .outside = scope.outside,
                      .keep_first = scope.keep_first,
                      .outputs = scope.outputs};
  for (const NodeId layer : layers_of(seed, seed_groups)) {
    const std::string& name = seed[layer].name;
    if (reached[index(layer)] && !inside[index(layer)]) result.outside.push_back(name);
    const int64_t least = seed_groups.least_width(layer);
    if (least == 0 || !rest.find(name)) continue;
    result.min_width.push_back({.layers = escaped(name), .amount = static_cast<double>(least)});
  }
  return result;
}

}  // namespace morph
