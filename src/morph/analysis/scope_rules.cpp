#include "morph/analysis/scope_rules.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "morph/base/error.h"
#include "morph/base/strings.h"

namespace morph {
namespace {

constexpr std::string_view kMinWidth = "--min-width";
constexpr std::string_view kMaxReduction = "--max-reduction";

/// The layers a pattern matches, at least one.
std::vector<NodeId> matching_layers(const Graph& graph,
                                    const LayerChannels& layers,
                                    const std::string& pattern,
                                    std::string_view flag) {
  const std::vector<NodeId> matches = matching_nodes(graph, layers.layers, pattern, flag);
  if (!matches.empty()) return matches;
  const std::vector<NodeId> others = matching_nodes(graph, graph.ids(), pattern, flag);
  if (!others.empty()) {
    throw Error(cat(flag,
                    ": '",
                    pattern,
                    "' matches no layer, only ",
                    graph[others.front()].label(),
                    "; name the convolution or dense layer that makes its channels"));
  }
  std::vector<std::string> names;
  for (const NodeId layer : layers.layers) names.push_back(graph[layer].name);
  throw Error(cat(flag,
                  ": '",
                  pattern,
                  "' matches no layer; patterns are regular expressions for the whole name.",
                  did_you_mean(pattern, names)));
}

int64_t width(const LayerChannels& layers, NodeId layer) {
  return static_cast<int64_t>(layers.of(layer).size());
}

[[noreturn]] void refuse_amount(std::string_view flag, std::string_view expected, double amount) {
  throw Error(cat(flag, ": expected ", expected, ", got ", amount));
}

int64_t channels_to_keep(int64_t width, double amount) {
  if (!(amount >= 1) || amount != std::floor(amount)) {
    refuse_amount(kMinWidth, "a whole number from 1 up", amount);
  }
  return amount < static_cast<double>(width) ? static_cast<int64_t>(amount) : width;
}

int64_t channels_left(int64_t width, double reduction) {
  if (!(reduction >= 0 && reduction <= 1)) {
    refuse_amount(kMaxReduction, "a share from 0 to 1", reduction);
  }
  // A share such as 0.3 of 10 may come out a rounding error below the 3 it means.
  constexpr double kRounding = 1e-9;
  return width - static_cast<int64_t>(static_cast<double>(width) * reduction + kRounding);
}

}  // namespace

void tie_layers(const Graph& graph,
                const LayerChannels& layers,
                const std::vector<std::string>& patterns,
                ChannelFlow& flow) {
  for (const std::string& pattern : patterns) {
    const std::vector<NodeId> tied = matching_layers(graph, layers, pattern, "--tie");
    const NodeId first = tied.front();
    if (tied.size() == 1) {
      throw Error(cat("--tie: '",
                      pattern,
                      "' matches one layer only, '",
                      graph[first].name,
                      "'; one pattern must match all layers that are to be tied, as in 'a|b'"));
    }
    for (const NodeId layer : tied) {
      if (width(layers, layer) != width(layers, first)) {
        throw Error(cat("--tie: '",
                        pattern,
                        "' matches layers of different sizes: '",
                        graph[first].name,
                        "' has ",
                        width(layers, first),
                        " channels, '",
                        graph[layer].name,
                        "' has ",
                        width(layers, layer)));
      }
      flow.tie(layers.of(first), layers.of(layer));
    }
  }
}

std::vector<int64_t> least_widths(const Graph& graph,
                                  const LayerChannels& layers,
                                  const ChannelScope& scope) {
  std::vector<int64_t> by_width(graph.nodes().size(), 0);
  for (const LayerLimit& limit : scope.min_width) {
    for (const NodeId layer : matching_layers(graph, layers, limit.layers, kMinWidth)) {
      by_width[index(layer)] = channels_to_keep(width(layers, layer), limit.amount);
    }
  }
  std::vector<int64_t> by_share(graph.nodes().size(), 0);
  for (const LayerLimit& limit : scope.max_reduction) {
    for (const NodeId layer : matching_layers(graph, layers, limit.layers, kMaxReduction)) {
      by_share[index(layer)] = channels_left(width(layers, layer), limit.amount);
    }
  }
  for (size_t i = 0; i < by_width.size(); ++i) by_width[i] = std::max(by_width[i], by_share[i]);
  return by_width;
}

std::vector<NodePin> scope_pins(const Graph& graph,
                                const LayerChannels& layers,
                                const ChannelScope& scope) {
  std::vector<NodePin> pins;
  const auto pin = [&](NodeId layer, std::vector<ChannelId> ids, std::string reason) {
    pins.push_back({layer, {.ids = std::move(ids), .reason = std::move(reason)}});
  };
  for (const std::string& pattern : scope.keep) {
    for (const NodeId layer : matching_layers(graph, layers, pattern, "--keep")) {
      pin(layer, layers.of(layer), cat("kept by --keep ", pattern));
    }
  }
  const std::vector<bool> reached = nodes_in_scope(graph, {});
  const std::vector<bool> inside = nodes_in_scope(graph, scope);
  const std::vector<int64_t> least = least_widths(graph, layers, scope);
  const auto is_outside = [&](NodeId layer) {
    return (reached[index(layer)] && !inside[index(layer)]) ||
           std::ranges::find(scope.outside, graph[layer].name) != scope.outside.end();
  };
  for (const NodeId layer : layers.layers) {
    const std::vector<ChannelId>& made = layers.of(layer);
    if (is_outside(layer)) pin(layer, made, "outside the boundary");
    if (least[index(layer)] == width(layers, layer)) {
      pin(layer, made, cat("limited to the ", made.size(), " channels it has"));
    }
    if (scope.keep_first) pin(layer, {made.front()}, "first channel, kept by --keep-first");
  }
  return pins;
}

}  // namespace morph
