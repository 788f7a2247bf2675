#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/cli/arguments.h"
#include "morph/cli/commands.h"
#include "morph/cost/network_cost.h"
#include "morph/learn/budget.h"
#include "morph/nn/widen.h"
#include "morph/report/numbers.h"
#include "morph/transform/expand.h"

namespace morph {
namespace {

constexpr uint64_t kShareSeed = 0;  // Of how copies share the weights that read them.

struct ExpandArguments {
  NetworkArgument network = {};
  std::string budget = {};
  std::string reference = {};
  std::string out = {};
  int64_t round_to = 1;
  bool inherit = false;
};

void expand_network(const ExpandArguments& arguments) {
  const Network network = arguments.network.load();
  const Budget budget = parse_budget(arguments.budget);
  const std::unique_ptr<CostModel> model = make_cost_model(budget.cost);
  const Graph reference =
      arguments.reference.empty() ? network.graph : load_network(arguments.reference).graph;
  const double limit = budget.limit(network_cost(reference, *model));
  const Expansion expansion =
      expand(network.graph, *model, limit, {.round_to = arguments.round_to});
  Network wide{.graph = expansion.graph};
  std::string weights = "structure only";
  if (arguments.inherit) {
    if (!network.params) {
      throw Error(
          cat("'", arguments.network.name, "' has no weights to inherit; leave --inherit out"));
    }
    const Widened widened = widen_params(network.graph,
                                         *network.params,
                                         {.graph = expansion.graph, .plan = expansion.plan},
                                         kShareSeed);
    wide.params = widened.params;
    weights = cat("with copied weights, which differs by ", widened.difference, " relative");
  }
  write_network(arguments.out, wide);
  std::cout << arguments.out << ", " << weights << "\n  all free widths times "
            << format_count(expansion.multiplier) << "\n  " << budget.cost << "  "
            << with_unit(network_cost(network.graph, *model), model->unit()) << " -> "
            << with_unit(expansion.cost, model->unit()) << ", budget "
            << with_unit(limit, model->unit()) << "\n";
}

}  // namespace

void add_expand(CLI::App& app) {
  auto arguments = std::make_shared<ExpandArguments>();
  CLI::App* command = app.add_subcommand(
      "expand", "Widen all layers by one multiplier, the largest that fits a budget");
  command->add_option("NET", arguments->network.name, "zoo:NAME, X.morph or X.onnx")->required();
  arguments->network.add_opaque_to(*command);
  command
      ->add_option(
          "--budget", arguments->budget, "flops=1.5x (of the reference), flops=40M, params=200k")
      ->required()
      ->type_name("COST=AMOUNT");
  command
      ->add_option("--relative-to",
                   arguments->reference,
                   "What 1.0x means: the cost of this network (default: of NET itself)")
      ->type_name("NET");
  command->add_option("--round-to", arguments->round_to, "Make widths multiples of this")
      ->capture_default_str();
  command->add_flag("--inherit",
                    arguments->inherit,
                    "Give copies of a channel its weights, so that the function stays what it was");
  command->add_option("-o,--output", arguments->out, "Network to write, X.morph")
      ->required()
      ->type_name("OUT");
  command->callback([arguments] { expand_network(*arguments); });
}

}  // namespace morph
