#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "morph/analysis/channel_groups.h"
#include "morph/ir/graph.h"

namespace morph {

/// What is to be kept of one layer's output.
struct LayerStructure {
  std::vector<bool> alive = {};             ///< One per output channel of the seed.
  double threshold = 0;                     ///< Gate value at or below which a channel was cut.
  std::map<std::string, double> cost = {};  ///< The layer's own cost once shrunk, by resource.
  int64_t group = -1;                       ///< Layers with one number are tied.

  int64_t seed_width() const { return static_cast<int64_t>(alive.size()); }
  int64_t alive_width() const;
  bool operator==(const LayerStructure&) const = default;
};

/// Which channels of each layer are alive: what MorphNet learns. Layers that are absent keep all.
struct Structure {
  std::string network = {};
  std::map<std::string, LayerStructure> layers = {};

  bool operator==(const Structure&) const = default;
};

/// What becomes of a layer that a structure does not name and that is tied to none it names.
enum class MissingLayers {
  kKeep,    ///< It stays as it is.
  kRefuse,  ///< An Error names it.
  kZero,    ///< It loses all its channels.
};

/// Alive or not for each channel set of `groups`. Throws Error if the structure names an unknown
/// layer, has a mask of the wrong length, removes a pinned channel, or says different things of two
/// channels that are tied; the message names the layers.
std::vector<bool> alive_sets(const Graph& graph,
                             const ChannelGroups& groups,
                             const Structure& structure,
                             MissingLayers missing = MissingLayers::kKeep);

/// The layers whose widths a structure decides: all but depthwise convolutions, which hand the
/// channels of their input on.
std::vector<NodeId> deciding_layers(const Graph& graph, const ChannelGroups& groups);

/// Throws the Error that MissingLayers::kRefuse stands for.
[[noreturn]] void refuse_missing(const std::string& layer);

/// The structure that keeps exactly the sets marked alive.
Structure make_structure(const Graph& graph,
                         const ChannelGroups& groups,
                         const std::vector<bool>& alive);

/// structure.json: keys sorted, one layer an object, masks as strings of 0 and 1.
nlohmann::json to_json(const Structure& structure);

/// The reverse. Throws Error naming the layer and field at fault.
Structure structure_from_json(const nlohmann::json& json);

}  // namespace morph
