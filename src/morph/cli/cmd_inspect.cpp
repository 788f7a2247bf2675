#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "morph/analysis/coverage.h"
#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/cli/arguments.h"
#include "morph/cli/commands.h"
#include "morph/cli/gate_arguments.h"
#include "morph/cli/scope_arguments.h"
#include "morph/cli/terminal.h"
#include "morph/cost/held_cost.h"
#include "morph/cost/network_cost.h"
#include "morph/regularize/network_regularizer.h"
#include "morph/report/numbers.h"

namespace morph {
namespace {

struct InspectArguments {
  NetworkArgument network = {};
  GateArguments gate = {};
  ScopeArguments scope = {};
  bool json = false;
};

/// A network with all that is said of it.
struct Inspection {
  Graph graph = Graph();
  ChannelGroups groups = {};
  std::vector<bool> gated = {};  // By set; empty where no kind of gate was asked for.
  std::vector<bool> alive = {};  // By set; empty where gates were not judged.
  std::vector<LayerCoverage> layers = {};
  std::vector<double> flops = {};  // By node index.

  double flops_share(NodeId id) const {
    double total = 0;
    for (const double cost : flops) total += cost;
    return total > 0 ? flops[index(id)] / total : 0;
  }

  int64_t alive_width(NodeId id) const {
    const auto& sets = groups.made_by(id).empty() ? groups.channels(id).ids : groups.made_by(id);
    return std::count_if(
        sets.begin(), sets.end(), [&](ChannelId set) { return alive[static_cast<size_t>(set)]; });
  }

  std::vector<bool> removable() const {
    std::vector<bool> result;
    for (ChannelId set = 0; set < groups.set_count(); ++set) {
      const bool has_gate = gated.empty() || gated[static_cast<size_t>(set)];
      result.push_back(has_gate && !groups.pinned(set));
    }
    return result;
  }
};

/// By set: what the network's own gates say.
std::vector<bool> judge(const InspectArguments& arguments, const Network& network) {
  RegularizerOptions options = arguments.gate.options();
  options.scope = arguments.scope.resolve();
  const GraphModule module(network.graph, in_double(*network.params));
  return NetworkRegularizer(module, {"flops"}, options).alive(options.threshold);
}

Inspection inspect(const InspectArguments& arguments) {
  const Network network = arguments.network.load();
  Inspection result{.graph = network.graph};
  result.groups = find_channel_groups(result.graph, arguments.scope.resolve());
  if (arguments.gate.are_given()) {
    result.gated =
        gated_sets(result.groups, find_gates(arguments.gate.kind, result.graph, result.groups));
    const bool has_gates = std::ranges::find(result.gated, true) != result.gated.end();
    if (network.params && has_gates) result.alive = judge(arguments, network);
  }
  result.layers = find_coverage(result.graph, result.groups, result.gated);
  result.flops = node_costs(result.graph, result.groups, *make_cost_model("flops"));
  return result;
}

/// "pinned: network output" and the path, in a line.
std::string state(const Graph& graph, const LayerCoverage& layer) {
  std::string text(name_of(layer.reach));
  if (layer.reach == Reach::kPrunable) text += cat(" ", layer.prunable, " of ", layer.width);
  if (layer.least > 0) text += cat(", at least ", layer.least, " stay");
  for (const Hold& hold : layer.holds) {
    text += layer.reach == Reach::kPrunable ? cat("; ", hold.width, " not: ") : ": ";
    text += hold.reason;
    if (hold.path.size() > 1) text += cat(", by ", format_path(graph, hold.path));
  }
  return text;
}

std::string group_label(const ChannelGroups& groups, NodeId id) {
  const std::optional<size_t> group = groups.group_of(id);
  return group ? cat(*group + 1) : "";
}

std::string width_text(const Inspection& inspection, const LayerCoverage& layer) {
  if (inspection.alive.empty()) return cat(layer.width);
  return cat(inspection.alive_width(layer.node), "/", layer.width);
}

void print_text(const Inspection& inspection) {
  const Graph& graph = inspection.graph;
  std::vector<std::vector<std::string>> rows = {
      {"group", "layer", "op", inspection.alive.empty() ? "width" : "alive", "FLOPs %", "state"}};
  std::map<Reach, size_t> counts;
  for (const LayerCoverage& layer : inspection.layers) {
    ++counts[layer.reach];
    rows.push_back({group_label(inspection.groups, layer.node),
                    graph[layer.node].name,
                    graph[layer.node].op,
                    width_text(inspection, layer),
                    fixed(100 * inspection.flops_share(layer.node), 1),
                    state(graph, layer)});
  }
  std::cout << graph.name() << ": " << inspection.layers.size() << " layers with parameters, "
            << counts[Reach::kPrunable] << " prunable, " << counts[Reach::kPinned] << " pinned, "
            << counts[Reach::kUnreachable] << " unreachable; layers of one group lose channels "
            << "together\n\n"
            << format_table(rows);
  for (const std::string& warning : held_cost_warnings(
           graph, inspection.groups, inspection.removable(), *make_cost_model("flops"))) {
    std::cout << "\nwarning: " << warning << "\n";
  }
}

nlohmann::json to_json(const Inspection& inspection, const LayerCoverage& layer) {
  const Graph& graph = inspection.graph;
  nlohmann::json holds = nlohmann::json::array();
  for (const Hold& hold : layer.holds) {
    nlohmann::json path = nlohmann::json::array();
    for (const NodeId id : hold.path) path.push_back(graph[id].name);
    holds.push_back({{"reason", hold.reason}, {"channels", hold.width}, {"path", path}});
  }
  nlohmann::json json = {{"name", graph[layer.node].name},
                         {"op", graph[layer.node].op},
                         {"state", name_of(layer.reach)},
                         {"width", layer.width},
                         {"prunable", layer.prunable},
                         {"least", layer.least},
                         {"flops", std::llround(inspection.flops[index(layer.node)])},
                         {"holds", holds}};
  if (!inspection.alive.empty()) json["alive"] = inspection.alive_width(layer.node);
  if (const auto group = inspection.groups.group_of(layer.node)) json["group"] = *group + 1;
  return json;
}

void print_json(const Inspection& inspection) {
  nlohmann::json layers = nlohmann::json::array();
  for (const LayerCoverage& layer : inspection.layers) {
    layers.push_back(to_json(inspection, layer));
  }
  std::cout << nlohmann::json{{"network", inspection.graph.name()}, {"layers", layers}}.dump(1)
            << "\n";
}

}  // namespace

void add_inspect(CLI::App& app) {
  auto arguments = std::make_shared<InspectArguments>();
  CLI::App* command = app.add_subcommand(
      "inspect", "List which layers can be pruned, which are pinned, by what and on which path");
  arguments->network.add_to(*command);
  arguments->network.add_opaque_to(*command);
  arguments->gate.add_to(*command);
  arguments->scope.add_to(*command);
  command->add_flag("--json", arguments->json, "For programs");
  command->callback([arguments] {
    const Inspection inspection = inspect(*arguments);
    arguments->json ? print_json(inspection) : print_text(inspection);
  });
}

}  // namespace morph
