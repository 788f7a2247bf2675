#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "morph/analysis/channel_groups.h"
#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/cli/arguments.h"
#include "morph/cli/commands.h"
#include "morph/cli/terminal.h"
#include "morph/cost/network_cost.h"
#include "morph/regularize/gamma_gates.h"
#include "morph/report/numbers.h"

namespace morph {
namespace {

/// Whether a layer's channels can be learned away, in a word or two.
std::string state(const ChannelGroup& group) {
  if (group.prunable == 0) return cat("pinned: ", group.pinned);
  std::string text = cat("prunable ", group.prunable, " of ", group.sets.size());
  if (group.scales.empty()) text += ", but no BatchNormalization to learn it by";
  if (!group.pinned.empty()) text += cat("; the rest pinned: ", group.pinned);
  return text;
}

void print_groups(const Graph& graph) {
  const ChannelGroups groups = find_channel_groups(graph);
  const std::vector<double> flops = node_costs(graph, groups, *make_cost_model("flops"));
  double total = 0;
  for (const double cost : flops) total += cost;
  std::vector<std::vector<std::string>> rows = {
      {"group", "layer", "op", "width", "FLOPs %", "state"}};
  for (size_t g = 0; g < groups.groups().size(); ++g) {
    const ChannelGroup& group = groups.groups()[g];
    for (const NodeId layer : group.layers) {
      const double share = total > 0 ? 100 * flops[index(layer)] / total : 0;
      rows.push_back({cat(g + 1),
                      graph[layer].name,
                      graph[layer].op,
                      cat(groups.made_by(layer).size()),
                      fixed(share, 1),
                      layer == group.layers.front() ? state(group) : "  tied to the one above"});
    }
  }
  const size_t gates = find_gamma_gates(graph, groups).size();
  std::cout << graph.name() << ": " << groups.groups().size()
            << " groups of layers whose channels live and die together, " << gates
            << " BatchNormalization layers to learn them by\n\n"
            << format_table(rows);
}

}  // namespace

void add_inspect(CLI::App& app) {
  auto network = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("inspect", "List which layers are tied, which are pinned, and why");
  command->add_option("NET", *network, "zoo:NAME or X.morph")->required();
  command->callback([network] { print_groups(load_network(*network).graph); });
}

}  // namespace morph
