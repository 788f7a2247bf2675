#include "morph/report/resources.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "morph/report/numbers.h"

namespace morph {
namespace {

struct Title {
  std::string_view resource;
  std::string_view heading;
  std::string_view noun;
};

constexpr std::array<Title, 3> kTitles = {Title{"flops", "FLOPs", "FLOPs"},
                                          Title{"params", "Parameters", "parameters"},
                                          Title{"activations", "Activations", "activations"}};

const Title* find_title(std::string_view resource) {
  const auto* found = std::find_if(kTitles.begin(), kTitles.end(), [&](const Title& title) {
    return title.resource == resource;
  });
  return found == kTitles.end() ? nullptr : found;
}

void add_keys(const std::map<std::string, double>& costs, std::set<std::string>& into) {
  for (const auto& [resource, value] : costs) into.insert(resource);
}

std::vector<std::string> in_order(std::set<std::string> resources) {
  std::vector<std::string> ordered;
  for (const Title& title : kTitles) {
    if (resources.erase(std::string(title.resource)) > 0) ordered.emplace_back(title.resource);
  }
  ordered.insert(ordered.end(), resources.begin(), resources.end());
  return ordered;
}

}  // namespace

std::string without_folders(std::string_view resource) {
  const size_t colon = resource.find(':');
  const size_t slash = resource.rfind('/');
  if (colon == std::string_view::npos || slash == std::string_view::npos || slash < colon) {
    return std::string(resource);
  }
  return std::string(resource.substr(0, colon + 1)) + std::string(resource.substr(slash + 1));
}

std::string resource_title(std::string_view resource) {
  const Title* title = find_title(resource);
  return title == nullptr ? without_folders(resource) : std::string(title->heading);
}

std::string resource_noun(std::string_view resource) {
  const Title* title = find_title(resource);
  return title == nullptr ? without_folders(resource) : std::string(title->noun);
}

std::string resource_unit(std::string_view resource) {
  if (resource.starts_with("latency:")) return "ns";
  if (resource == "memory" || resource == "activation-memory") return "bytes";
  return {};
}

std::string resource_amount(std::string_view resource, double amount) {
  const std::string unit = resource_unit(resource);
  if (unit.empty() || !std::isfinite(amount)) return short_count(amount);
  return with_unit(amount, unit);
}

std::string resource_column(std::string_view resource) {
  if (resource == "flops") return resource_title(resource);
  const std::string unit = resource_unit(resource);
  return without_folders(resource) + (unit.empty() ? "" : ", " + unit);
}

std::vector<std::string> network_resources(const RunReport& run) {
  std::set<std::string> resources;
  for (const NetworkFigures& network : run.networks) add_keys(network.costs, resources);
  return in_order(std::move(resources));
}

std::vector<std::string> layer_resources(const RunReport& run) {
  std::set<std::string> resources;
  for (const LayerFigures& layer : run.layers) {
    add_keys(layer.seed_cost, resources);
    add_keys(layer.learned_cost, resources);
  }
  return in_order(std::move(resources));
}

std::vector<std::string> followed_resources(const RunReport& run) {
  std::set<std::string> resources;
  for (const Phase& phase : run.phases) {
    add_keys(phase.budget, resources);
    for (const EpochFigures& epoch : phase.epochs) add_keys(epoch.cost, resources);
  }
  return in_order(std::move(resources));
}

const NetworkFigures* find_network(const RunReport& run, std::string_view name) {
  const auto found =
      std::find_if(run.networks.begin(), run.networks.end(), [&](const NetworkFigures& network) {
        return network.name == name;
      });
  return found == run.networks.end() ? nullptr : &*found;
}

const NetworkFigures* reference_network(const RunReport& run) {
  if (run.networks.empty()) return nullptr;
  const NetworkFigures* seed = find_network(run, "seed");
  return seed == nullptr ? &run.networks.front() : seed;
}

bool is_removed(const LayerFigures& layer) { return layer.removed || layer.learned_width == 0; }

double cost_of(const std::map<std::string, double>& costs, const std::string& resource) {
  const auto found = costs.find(resource);
  return found == costs.end() ? std::numeric_limits<double>::quiet_NaN() : found->second;
}

}  // namespace morph
