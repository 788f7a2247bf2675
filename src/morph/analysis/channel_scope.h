#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "morph/ir/graph.h"

namespace morph {

/// A number for the layers whose whole name matches a regular expression.
struct LayerLimit {
  std::string layers = ".*";
  double amount = 0;

  bool operator==(const LayerLimit&) const = default;
};

/// "8" for all layers, "conv1=8" or "block[12]/.*=8" for some; what stands behind the last '=' is
/// the amount. Throws Error naming `what` ("--min-width").
LayerLimit parse_layer_limit(std::string_view text, std::string_view what);

/// What becomes of the channels of the network's outputs.
enum class OutputChannels {
  kPinned,  ///< They stay: whoever reads the network counts on them.
  kFree,    ///< They may go, as in Google's MorphNet.
};

/// Which part of a network may lose channels, and how many. Patterns are ECMAScript regular
/// expressions that must match a whole name; each must match something.
struct ChannelScope {
  /// Layers that one pattern matches have equally many channels, and are tied position by position
  /// (MorphNet's force_group).
  std::vector<std::string> tie = {};
  /// Layers that keep all channels, and with them whatever is tied to these (its
  /// regularizer_blacklist).
  std::vector<std::string> keep = {};
  /// Nodes before the part in question: the walk back from the outputs does not enter them (its
  /// input_boundary).
  std::vector<std::string> from = {};
  /// Nodes at the end of the part in question, where that walk starts; the network's outputs if
  /// empty (its output_boundary). Layers that the walk does not meet are pinned.
  std::vector<std::string> until = {};
  /// Names of layers that lie outside the part as well, whether they are still there or not.
  std::vector<std::string> outside = {};
  /// How many channels a layer keeps at least. Of the limits that match a layer the last holds.
  std::vector<LayerLimit> min_width = {};
  /// Which share of its channels a layer loses at most, 0 to 1; likewise. Both kinds hold together.
  std::vector<LayerLimit> max_reduction = {};
  /// The first channel of every layer stays, so that no layer vanishes.
  bool keep_first = false;
  OutputChannels outputs = OutputChannels::kPinned;

  bool operator==(const ChannelScope&) const = default;
};

/// What a scope says beyond the default, by the names of the fields.
nlohmann::json describe(const ChannelScope& scope);

/// The nodes of `among` whose whole name matches `pattern`, in order. Throws Error naming `flag`
/// and the pattern if it is no regular expression.
std::vector<NodeId> matching_nodes(const Graph& graph,
                                   const std::vector<NodeId>& among,
                                   const std::string& pattern,
                                   std::string_view flag);

/// By node index: whether the walk back from `scope.until` meets it. Throws Error naming a pattern
/// that matches no node.
std::vector<bool> nodes_in_scope(const Graph& graph, const ChannelScope& scope);

}  // namespace morph
