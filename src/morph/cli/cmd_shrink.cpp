#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "morph/analysis/structure.h"
#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/cli/arguments.h"
#include "morph/cli/commands.h"
#include "morph/cost/network_cost.h"
#include "morph/learn/run_folder.h"
#include "morph/nn/cut.h"
#include "morph/report/numbers.h"

namespace morph {
namespace {

struct ShrinkArguments {
  NetworkArgument network = {};
  std::string structure = {};
  std::string out = {};
};

void print_change(const Graph& before, const Graph& after) {
  for (const std::string& name : default_cost_names()) {
    const std::unique_ptr<CostModel> model = make_cost_model(name);
    const double old_cost = network_cost(before, *model);
    const double cost = network_cost(after, *model);
    std::cout << "  " << name << std::string(14 - name.size(), ' ') << format_count(old_cost)
              << " -> " << format_count(cost) << "  (" << fixed(cost / old_cost, 3) << "x)\n";
  }
}

void shrink_network(const ShrinkArguments& arguments) {
  const Network network = arguments.network.load();
  const Structure structure = structure_from_json(read_json(arguments.structure));
  const ChannelGroups groups = find_channel_groups(network.graph);
  const std::vector<bool> alive = alive_sets(network.graph, groups, structure);
  // Without weights the equivalence is shown on fresh ones.
  const Params params = network.params ? *network.params : initial_params(network.graph, 0);
  const Cut cut = cut_channels(network.graph, params, groups, alive);

  Network shrunk{.graph = cut.graph};
  if (network.params) shrunk.params = cut.params;
  write_network(arguments.out, shrunk);
  std::cout << arguments.out << (network.params ? " with its weights" : ", structure only") << "\n";
  print_change(network.graph, cut.graph);
  if (!cut.removed.empty()) {
    std::cout << "  removed from the graph: " << join(cut.removed, ", ") << "\n";
  }
  for (const ConstantNote& note : cut.constants) {
    std::cout << "  constants of " << note.channels << " removed channels into " << note.node
              << (note.folded
                      ? ": folded into the weights"
                      : cat(": dropped (up to ", format_count(note.largest), "), ", note.reason))
              << "\n";
  }
  std::cout << "  masked and shrunk network differ by " << cut.equivalence << " relative\n";
}

}  // namespace

void add_shrink(CLI::App& app) {
  auto arguments = std::make_shared<ShrinkArguments>();
  CLI::App* command =
      app.add_subcommand("shrink", "Remove the channels that a structure file does not keep");
  arguments->network.add_to(*command);
  command->add_option("--structure", arguments->structure, "structure.json of a run")
      ->required()
      ->type_name("FILE");
  command->add_option("-o,--output", arguments->out, "Network to write, X.morph")
      ->required()
      ->type_name("OUT");
  command->callback([arguments] { shrink_network(*arguments); });
}

}  // namespace morph
