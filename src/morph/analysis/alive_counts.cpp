#include "morph/analysis/alive_counts.h"

#include <algorithm>
#include <array>
#include <optional>

#include <nlohmann/json.hpp>

#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/base/strings.h"

namespace morph {
namespace {

/// What the original, TensorFlow and Keras append to the name of a layer.
constexpr std::array<std::string_view, 8> kOpSuffixes = {"/Tensordot/MatMul",
                                                         "/ConfigurableConv2D",
                                                         "/Conv2D",
                                                         "/Conv3D",
                                                         "/conv2d_transpose",
                                                         "/conv3d_transpose",
                                                         "/separable_conv2d",
                                                         "/MatMul"};

bool is_layer(const ChannelGroups& groups, NodeId id) { return !groups.made_by(id).empty(); }

std::string op_suffix(const Node& node) {
  constexpr size_t kVolume = 5;
  const bool is_volume = node.shape.size() == kVolume;
  if (node.op == "Conv") return is_volume ? "/Conv3D" : "/Conv2D";
  if (node.op == "ConvTranspose") return is_volume ? "/conv3d_transpose" : "/conv2d_transpose";
  return "/MatMul";
}

/// The layer that a name of the file means, or nothing.
std::optional<std::string> layer_named(const Graph& graph,
                                       const ChannelGroups& groups,
                                       const std::string& name) {
  const auto is_known = [&](std::string_view layer) {
    const std::optional<NodeId> id = graph.find(layer);
    return id && is_layer(groups, *id);
  };
  if (is_known(name)) return name;
  for (const std::string_view suffix : kOpSuffixes) {
    if (!name.ends_with(suffix)) continue;
    const std::string layer = name.substr(0, name.size() - suffix.size());
    if (is_known(layer)) return layer;
  }
  return std::nullopt;
}

[[noreturn]] void refuse_name(const Graph& graph,
                              const ChannelGroups& groups,
                              const std::string& name) {
  std::vector<std::string> layers;
  for (const NodeId id : graph.ids()) {
    if (is_layer(groups, id)) layers.push_back(graph[id].name);
  }
  throw Error(cat("the structure names '",
                  name,
                  "', which is no layer of the network, neither as it stands nor without the name "
                  "of an op behind it.",
                  did_you_mean(name, layers)));
}

}  // namespace

AliveCounts alive_counts(const Graph& graph,
                         const ChannelGroups& groups,
                         const Structure& structure) {
  const std::vector<bool> alive = alive_sets(graph, groups, structure);
  AliveCounts counts;
  for (const NodeId id : deciding_layers(graph, groups)) {
    const std::vector<ChannelId>& made = groups.made_by(id);
    counts[graph[id].name + op_suffix(graph[id])] = std::count_if(
        made.begin(), made.end(), [&](ChannelId set) { return alive[static_cast<size_t>(set)]; });
  }
  return counts;
}

std::vector<std::string> without_common_prefix(std::vector<std::string> names) {
  if (names.empty()) return names;
  const size_t slash = names.front().find('/');
  if (slash == std::string::npos) return names;
  const std::string prefix = names.front().substr(0, slash + 1);
  const auto has_prefix = [&](const std::string& name) { return name.starts_with(prefix); };
  if (!std::all_of(names.begin(), names.end(), has_prefix)) return names;
  for (std::string& name : names) name.erase(0, prefix.size());
  return names;
}

AliveCounts counts_by_layer(const Graph& graph,
                            const ChannelGroups& groups,
                            const AliveCounts& counts) {
  std::vector<std::string> names;
  for (const auto& [name, count] : counts) names.push_back(name);
  const auto is_known = [&](const std::string& name) {
    return layer_named(graph, groups, name).has_value();
  };
  if (std::none_of(names.begin(), names.end(), is_known)) {
    names = without_common_prefix(std::move(names));
  }
  AliveCounts result;
  auto name = names.begin();
  for (const auto& [key, count] : counts) {
    const std::optional<std::string> layer = layer_named(graph, groups, *name++);
    if (!layer) refuse_name(graph, groups, key);
    if (!result.emplace(*layer, count).second) {
      throw Error(cat("the structure names the layer '", *layer, "' twice, once as '", key, "'"));
    }
  }
  return result;
}

std::string format_alive_counts(const AliveCounts& counts) {
  return nlohmann::json(counts).dump(2);
}

AliveCounts alive_counts_from_json(const nlohmann::json& json) {
  if (!json.is_object()) {
    throw Error("not a structure file: expected an object of layer names and channel counts");
  }
  AliveCounts counts;
  for (const auto& [name, count] : json.items()) {
    if (!count.is_number_integer() || count.get<int64_t>() < 0) {
      throw Error(cat("structure: layer '",
                      name,
                      "': expected how many channels are alive, a whole number from 0 up, got ",
                      count.dump()));
    }
    counts[name] = count.get<int64_t>();
  }
  return counts;
}

std::filesystem::path write_alive_counts(const std::filesystem::path& base,
                                         int64_t step,
                                         const AliveCounts& counts) {
  const std::filesystem::path path = base / "learned_structure" / cat("alive_", step);
  write_file(path, format_alive_counts(counts));
  return path;
}

}  // namespace morph
