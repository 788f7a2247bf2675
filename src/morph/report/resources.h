#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "morph/report/report.h"

namespace morph {

/// A resource or a budget whose device is a file, by the name of that file alone:
/// "latency:phone.json=0.5x" for "latency:devices/phone.json=0.5x".
std::string without_folders(std::string_view resource);

/// A resource as a heading: "FLOPs" for "flops"; others by their name, without_folders().
std::string resource_title(std::string_view resource);

/// A resource within a sentence: "FLOPs", "parameters", "activations".
std::string resource_noun(std::string_view resource);

/// What a resource is measured in where that grows into larger units: "ns" of a latency, "bytes" of
/// memory; "" of what is counted.
std::string resource_unit(std::string_view resource);

/// An amount of a resource, by its heading: "1.2 µs" of a latency, "93.55 MB" of memory, "81.58 M"
/// of what is counted.
std::string resource_amount(std::string_view resource, double amount);

/// The heading of a column of plain numbers in a terminal: "FLOPs", "params", "latency:H100, ns".
std::string resource_column(std::string_view resource);

/// The resources that the networks are priced in: flops, params, activations, then others by name.
std::vector<std::string> network_resources(const RunReport& run);

/// The resources that the layers are priced in, in the same order.
std::vector<std::string> layer_resources(const RunReport& run);

/// The resources whose cost was followed during training, in the same order.
std::vector<std::string> followed_resources(const RunReport& run);

/// The network of that name, or nullptr.
const NetworkFigures* find_network(const RunReport& run, std::string_view name);

/// What the others are compared with: the network "seed", or the first, or nullptr.
const NetworkFigures* reference_network(const RunReport& run);

/// True if nothing is left of the layer.
bool is_removed(const LayerFigures& layer);

/// `costs[resource]`, or NaN.
double cost_of(const std::map<std::string, double>& costs, const std::string& resource);

}  // namespace morph
