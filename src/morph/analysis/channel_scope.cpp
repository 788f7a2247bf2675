#include "morph/analysis/channel_scope.h"

#include <regex>

#include <nlohmann/json.hpp>

#include "morph/base/error.h"
#include "morph/base/strings.h"

namespace morph {
namespace {

std::regex compile(const std::string& pattern, std::string_view flag) {
  try {
    return std::regex(pattern);
  } catch (const std::regex_error& error) {
    throw Error(cat(flag, ": '", pattern, "' is not a regular expression: ", error.what()));
  }
}

/// The nodes any of the patterns matches, by node index.
std::vector<bool> marked_nodes(const Graph& graph,
                               const std::vector<std::string>& patterns,
                               std::string_view flag) {
  std::vector<bool> marked(graph.nodes().size(), false);
  for (const std::string& pattern : patterns) {
    const std::vector<NodeId> nodes = matching_nodes(graph, graph.ids(), pattern, flag);
    if (nodes.empty()) {
      std::vector<std::string> names;
      for (const Node& node : graph.nodes()) names.push_back(node.name);
      throw Error(cat(flag, ": '", pattern, "' matches no node.", did_you_mean(pattern, names)));
    }
    for (const NodeId id : nodes) marked[index(id)] = true;
  }
  return marked;
}

std::vector<std::string> texts(const std::vector<LayerLimit>& limits) {
  std::vector<std::string> result;
  for (const LayerLimit& limit : limits) result.push_back(cat(limit.layers, "=", limit.amount));
  return result;
}

}  // namespace

LayerLimit parse_layer_limit(std::string_view text, std::string_view what) {
  const size_t equals = text.rfind('=');
  if (equals == std::string_view::npos) return {.amount = parse_double(text, what)};
  if (equals == 0) throw Error(cat(what, ": no pattern stands before the '=' of '", text, "'"));
  return {.layers = std::string(text.substr(0, equals)),
          .amount = parse_double(text.substr(equals + 1), what)};
}

nlohmann::json describe(const ChannelScope& scope) {
  nlohmann::json json = nlohmann::json::object();
  const auto add = [&](const char* key, const std::vector<std::string>& names) {
    if (!names.empty()) json[key] = names;
  };
  add("tie", scope.tie);
  add("keep", scope.keep);
  add("from", scope.from);
  add("until", scope.until);
  add("outside", scope.outside);
  add("min_width", texts(scope.min_width));
  add("max_reduction", texts(scope.max_reduction));
  if (scope.keep_first) json["keep_first"] = true;
  if (scope.outputs == OutputChannels::kFree) json["outputs"] = "free";
  return json;
}

std::vector<NodeId> matching_nodes(const Graph& graph,
                                   const std::vector<NodeId>& among,
                                   const std::string& pattern,
                                   std::string_view flag) {
  const std::regex regex = compile(pattern, flag);
  std::vector<NodeId> matches;
  for (const NodeId id : among) {
    if (std::regex_match(graph[id].name, regex)) matches.push_back(id);
  }
  return matches;
}

std::vector<bool> nodes_in_scope(const Graph& graph, const ChannelScope& scope) {
  const std::vector<bool> before = marked_nodes(graph, scope.from, "--from");
  std::vector<bool> inside = marked_nodes(graph, scope.until, "--until");
  if (scope.until.empty()) {
    for (const NodeId output : graph.outputs()) inside[index(output)] = true;
  }
  for (size_t i = inside.size(); i-- > 0;) {
    if (before[i]) inside[i] = false;
    if (!inside[i]) continue;
    for (const NodeId input : graph.nodes()[i].inputs) inside[index(input)] = true;
  }
  return inside;
}

}  // namespace morph
