#include <iostream>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/cli/arguments.h"
#include "morph/cli/commands.h"
#include "morph/cli/onnx_output.h"
#include "morph/cli/scope_arguments.h"
#include "morph/cost/network_cost.h"
#include "morph/learn/budget.h"
#include "morph/learn/selection.h"
#include "morph/nn/cut.h"
#include "morph/nn/fold_gates.h"
#include "morph/report/numbers.h"
#include "morph/transform/resize.h"

namespace morph {
namespace {

struct ShrinkArguments {
  NetworkArgument network = {};
  StructureArguments structure = {};
  ScopeArguments scope = {};
  std::optional<uint64_t> random = {};
  int64_t round_to = 1;
  std::vector<std::string> budgets = {};
  OutputArgument out = {};
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

void print_cut(const Cut& cut) {
  for (const ConstantNote& note : cut.constants) {
    std::cout << "  constants of " << note.channels << " removed channels into " << note.node
              << (note.folded
                      ? ": folded into the weights"
                      : cat(": dropped (up to ", format_count(note.largest), "), ", note.reason))
              << "\n";
  }
  std::cout << "  masked and shrunk network differ by " << cut.equivalence << " relative\n";
}

/// Writes the network and says what became of it.
void write_result(const ShrinkArguments& arguments,
                  const Graph& before,
                  const Network& after,
                  const std::vector<std::string>& removed) {
  const std::vector<std::string> lines = arguments.out.write(after, arguments.network.name);
  std::cout << lines[0] << "\n";
  print_change(before, after.graph);
  for (size_t i = 1; i < lines.size(); ++i) std::cout << "  " << lines[i] << "\n";
  if (!removed.empty()) std::cout << "  removed from the graph: " << join(removed, ", ") << "\n";
}

/// A random structure within the budgets.
PlannedWidths draw_structure(const ShrinkArguments& arguments, const Graph& graph) {
  if (arguments.round_to < 1) {
    throw Error(cat("--round-to: expected 1 or more, got ", arguments.round_to));
  }
  PlannedWidths plan{.groups = find_channel_groups(graph, arguments.scope.resolve())};
  std::vector<Limit> limits;
  for (const std::string& text : arguments.budgets) {
    const Budget budget = parse_budget(text);
    const std::shared_ptr<CostModel> model = make_cost_model(budget.cost);
    limits.push_back({.model = model, .amount = budget.limit(network_cost(graph, *model))});
  }
  const Selection selection = select_channels(graph,
                                              plan.groups,
                                              random_candidates(plan.groups, *arguments.random),
                                              limits,
                                              {.round_to = arguments.round_to});
  plan.copies.assign(selection.alive.begin(), selection.alive.end());
  return plan;
}

void shrink_network(const ShrinkArguments& arguments) {
  const Network network = arguments.network.load();
  const PlannedWidths plan = arguments.random ? draw_structure(arguments, network.graph)
                                              : arguments.structure.plan(network);
  if (plan.widens()) {
    const Rewrite wide = resize_channels(network.graph, plan.groups, plan.copies);
    write_result(arguments, network.graph, {.graph = wide.graph}, wide.removed);
    return;
  }
  // Without weights the equivalence is shown on fresh ones.
  const Params params = network.params ? *network.params : initial_params(network.graph, 0);
  const Cut cut = cut_channels(network.graph, params, plan.groups, plan.alive());
  const Ungated plain = fold_gates(cut.graph, cut.params);
  Network shrunk{.graph = plain.graph};
  if (network.params) shrunk.params = plain.params;
  write_result(arguments, network.graph, shrunk, cut.removed);
  print_cut(cut);
}

/// Where the structure comes from: a file, or chance.
void add_random_options(CLI::App& command, ShrinkArguments& arguments) {
  CLI::Option* random =
      command
          .add_option("--random",
                      arguments.random,
                      "Instead of a file: a random structure within --budget, by this seed; for "
                      "comparison with learned ones")
          ->type_name("SEED");
  CLI::Option* budget =
      command
          .add_option(
              "--budget", arguments.budgets, "Of --random: flops=0.5x (of NET), params=200k")
          ->type_name("COST=AMOUNT")
          ->allow_extra_args(false)
          ->needs(random);
  random->needs(budget);
  command
      .add_option("--round-to", arguments.round_to, "Of --random: make widths multiples of this")
      ->capture_default_str()
      ->needs(random);
  arguments.scope.add_to(command);
  for (CLI::Option* option : command.get_options()) {
    if (option->get_group() == "Scope") option->needs(random);
  }
  for (const char* of_file : {"--structure", "--missing", "--at-least-one"}) {
    random->excludes(command.get_option(of_file));
  }
}

}  // namespace

void add_shrink(CLI::App& app) {
  auto arguments = std::make_shared<ShrinkArguments>();
  CLI::App* command =
      app.add_subcommand("shrink", "Remove the channels that a structure file does not keep");
  arguments->network.add_to(*command);
  arguments->network.add_opaque_to(*command);
  arguments->structure.add_to(*command);
  add_random_options(*command, *arguments);
  arguments->out.add_to(*command);
  command->callback([arguments] {
    if (!arguments->random && arguments->structure.file.empty()) {
      throw CLI::RequiredError("--structure, or --random with --budget,");
    }
    shrink_network(*arguments);
  });
}

}  // namespace morph
