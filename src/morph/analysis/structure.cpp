#include "morph/analysis/structure.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "morph/base/error.h"
#include "morph/base/strings.h"

namespace morph {
namespace {

constexpr const char* kFormat = "morphnet-structure";
constexpr int kVersion = 1;

std::vector<std::string> layer_names(const Graph& graph, const ChannelGroups& groups) {
  std::vector<std::string> names;
  for (const NodeId id : graph.ids()) {
    if (!groups.made_by(id).empty()) names.push_back(graph[id].name);
  }
  return names;
}

NodeId find_layer(const Graph& graph, const ChannelGroups& groups, const std::string& name) {
  const std::optional<NodeId> id = graph.find(name);
  if (!id || groups.made_by(*id).empty()) {
    throw Error(cat("the structure names '",
                    name,
                    "', which is ",
                    id ? "not a convolution or dense layer" : "not in the network",
                    ".",
                    did_you_mean(name, layer_names(graph, groups))));
  }
  return *id;
}

std::string mask_text(const std::vector<bool>& alive) {
  std::string text;
  for (const bool bit : alive) text += bit ? '1' : '0';
  return text;
}

std::vector<bool> parse_mask(const std::string& text, const std::string& layer) {
  std::vector<bool> alive;
  for (const char c : text) {
    if (c != '0' && c != '1') {
      throw Error(cat("structure: layer '", layer, "': mask must be of 0 and 1, found '", c, "'"));
    }
    alive.push_back(c == '1');
  }
  return alive;
}

void expect_count(const nlohmann::json& json,
                  const std::string& layer,
                  const char* field,
                  int64_t expected) {
  if (!json.contains(field)) return;
  if (json.at(field) != expected) {
    throw Error(cat("structure: layer '",
                    layer,
                    "': ",
                    field,
                    " is ",
                    json.at(field).dump(),
                    ", but its mask says ",
                    expected));
  }
}

LayerStructure parse_fields(const std::string& name, const nlohmann::json& json) {
  if (!json.is_object() || !json.contains("mask") || !json.at("mask").is_string()) {
    throw Error(cat("structure: layer '", name, "' needs a \"mask\", a string of 0 and 1"));
  }
  LayerStructure layer;
  layer.alive = parse_mask(json.at("mask").get<std::string>(), name);
  layer.threshold = json.value("threshold", 0.0);
  layer.group = json.value("group", int64_t{-1});
  if (json.contains("cost")) layer.cost = json.at("cost").get<std::map<std::string, double>>();
  expect_count(json, name, "seed_width", layer.seed_width());
  expect_count(json, name, "alive_width", layer.alive_width());
  return layer;
}

LayerStructure parse_layer(const std::string& name, const nlohmann::json& json) {
  try {
    return parse_fields(name, json);
  } catch (const nlohmann::json::exception& e) {
    throw Error(cat("structure: layer '", name, "': ", e.what()));
  }
}

/// The member `key`, or null if there is none.
nlohmann::json member(const nlohmann::json& json, const char* key) {
  return json.contains(key) ? json.at(key) : nlohmann::json();
}

/// Gathers the masks of layers into one answer for each set.
class MaskReader {
 public:
  MaskReader(const Graph& graph, const ChannelGroups& groups)
      : graph_(graph),
        groups_(groups),
        alive_(static_cast<size_t>(groups.set_count()), true),
        decided_by_(alive_.size(), nullptr) {}

  /// `name` must outlive the reader.
  void read(const std::string& name, const std::vector<bool>& mask) {
    const auto& made = groups_.made_by(find_layer(graph_, groups_, name));
    if (made.size() != mask.size()) {
      throw Error(cat("structure: layer '",
                      name,
                      "' has ",
                      made.size(),
                      " channels, its mask has ",
                      mask.size()));
    }
    for (size_t i = 0; i < made.size(); ++i) {
      const auto set = static_cast<size_t>(made[i]);
      if (decided_by_[set] != nullptr && alive_[set] != mask[i]) {
        throw Error(cat("structure: channel ",
                        i,
                        " of '",
                        name,
                        "' is tied to '",
                        *decided_by_[set],
                        "', and only one of them keeps it"));
      }
      if (!mask[i] && groups_.pinned(made[i])) {
        throw Error(cat("structure: channel ",
                        i,
                        " of '",
                        name,
                        "' cannot be removed: ",
                        *groups_.pinned(made[i])));
      }
      alive_[set] = mask[i];
      decided_by_[set] = &name;
    }
  }

  void remove_undecided(NodeId layer) {
    for (const ChannelId channel : groups_.made_by(layer)) {
      const auto set = static_cast<size_t>(channel);
      if (decided_by_[set] == nullptr && !groups_.pinned(channel)) alive_[set] = false;
    }
  }

  const std::vector<bool>& alive() const { return alive_; }

 private:
  const Graph& graph_;
  const ChannelGroups& groups_;
  std::vector<bool> alive_;
  std::vector<const std::string*> decided_by_;
};

}  // namespace

int64_t LayerStructure::alive_width() const { return std::count(alive.begin(), alive.end(), true); }

std::vector<bool> alive_sets(const Graph& graph,
                             const ChannelGroups& groups,
                             const Structure& structure,
                             MissingLayers missing) {
  MaskReader reader(graph, groups);
  for (const auto& [name, layer] : structure.layers) reader.read(name, layer.alive);
  if (missing == MissingLayers::kKeep) return reader.alive();
  for (const NodeId id : deciding_layers(graph, groups)) {
    if (structure.layers.count(graph[id].name) != 0) continue;
    if (missing == MissingLayers::kRefuse) refuse_missing(graph[id].name);
    reader.remove_undecided(id);
  }
  return reader.alive();
}

std::vector<NodeId> deciding_layers(const Graph& graph, const ChannelGroups& groups) {
  std::vector<NodeId> layers;
  for (const NodeId id : graph.ids()) {
    if (!groups.made_by(id).empty() && !groups.notes(id).reads.empty()) layers.push_back(id);
  }
  return layers;
}

void refuse_missing(const std::string& layer) {
  throw Error(cat("the structure does not name the layer '", layer, "'"));
}

Structure make_structure(const Graph& graph,
                         const ChannelGroups& groups,
                         const std::vector<bool>& alive) {
  Structure structure{.network = graph.name()};
  for (const NodeId id : graph.ids()) {
    if (groups.made_by(id).empty()) continue;
    LayerStructure layer;
    for (const ChannelId set : groups.made_by(id)) {
      layer.alive.push_back(alive[static_cast<size_t>(set)]);
    }
    layer.group = static_cast<int64_t>(*groups.group_of(id));
    structure.layers.emplace(graph[id].name, std::move(layer));
  }
  return structure;
}

nlohmann::json to_json(const Structure& structure) {
  nlohmann::json layers = nlohmann::json::object();
  for (const auto& [name, layer] : structure.layers) {
    layers[name] = {{"seed_width", layer.seed_width()},
                    {"alive_width", layer.alive_width()},
                    {"mask", mask_text(layer.alive)},
                    {"group", layer.group},
                    {"threshold", layer.threshold},
                    {"cost", layer.cost},
                    {"name", name}};
  }
  return {{"format", kFormat},
          {"version", kVersion},
          {"network", structure.network},
          {"layers", layers}};
}

Structure structure_from_json(const nlohmann::json& json) {
  if (!json.is_object() || member(json, "format") != kFormat) {
    throw Error(cat("not a structure file: expected an object with \"format\": \"", kFormat, "\""));
  }
  if (const nlohmann::json version = member(json, "version"); version != kVersion) {
    throw Error(cat("structure: version ",
                    version.dump(),
                    " is not known; this program reads version ",
                    kVersion));
  }
  if (!json.contains("layers") || !json.at("layers").is_object()) {
    throw Error("structure: \"layers\" must be an object with one entry a layer");
  }
  Structure structure;
  if (const nlohmann::json network = member(json, "network"); network.is_string()) {
    structure.network = network.get<std::string>();
  } else if (!network.is_null()) {
    throw Error(cat("structure: \"network\" must be a name, found ", network.dump()));
  }
  for (const auto& [name, layer] : json.at("layers").items()) {
    structure.layers.emplace(name, parse_layer(name, layer));
  }
  return structure;
}

}  // namespace morph
