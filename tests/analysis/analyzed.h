#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "graph_text.h"

#include "morph/analysis/channel_groups.h"

namespace morph {

/// A graph in text form with its channel groups, asked by the names of its nodes.
struct Analyzed {
  explicit Analyzed(std::string_view body, const ChannelScope& scope = {})
      : graph(graph_of(body)), groups(find_channel_groups(graph, scope)) {}

  Graph graph;
  ChannelGroups groups;

  NodeId id(std::string_view name) const { return graph.find(name).value(); }

  /// The channel set of every position of a node's output.
  const std::vector<ChannelId>& ids(std::string_view name) const {
    return groups.channels(id(name)).ids;
  }
  const std::vector<ChannelId>& made(std::string_view name) const {
    return groups.made_by(id(name));
  }
  const ChannelGroup& group(std::string_view name) const {
    return groups.groups()[groups.group_of(id(name)).value()];
  }

  /// The names of the layers in the group of `name`.
  std::vector<std::string> tied(std::string_view name) const { return names(group(name).layers); }

  std::vector<std::string> names(const std::vector<NodeId>& nodes) const {
    std::vector<std::string> result;
    for (const NodeId node : nodes) result.push_back(graph[node].name);
    return result;
  }

  /// Why channel `i` that the layer makes is pinned; "" if it is not.
  std::string pinned(std::string_view layer, size_t i = 0) const {
    return groups.pinned(made(layer)[i]).value_or("");
  }

  /// How many different sets there are among those of a node's output.
  size_t distinct(std::string_view name) const {
    return std::set<ChannelId>(ids(name).begin(), ids(name).end()).size();
  }
};

}  // namespace morph
