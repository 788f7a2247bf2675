#include <chrono>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/base/strings.h"
#include "morph/cli/arguments.h"
#include "morph/cli/commands.h"
#include "morph/cli/terminal.h"
#include "morph/cost/cost_model.h"
#include "morph/learn/learn.h"
#include "morph/learn/run_record.h"
#include "morph/nn/device.h"
#include "morph/report/report.h"

namespace morph {
namespace {

struct LearnCommand {
  NetworkArgument network = {};
  DataArguments data = {};
  TrainArguments training = {};
  LearnOptions options = {};
  std::vector<std::string> budgets = {};
  std::string expand = {};
  std::vector<std::string> compare = {"seed"};
  int64_t epochs = 30;
  std::optional<int64_t> retrain_epochs = {};
};

Comparison parse_comparison(const std::string& name) {
  if (name == "seed") return Comparison::kSeed;
  if (name == "uniform") return Comparison::kUniform;
  if (name == "scratch") return Comparison::kScratch;
  const std::vector<std::string> known = {"seed", "uniform", "scratch", "none"};
  throw Error(cat("--compare: expected seed, uniform, scratch or none, got '",
                  name,
                  "'.",
                  did_you_mean(name, known)));
}

LearnOptions resolve(const LearnCommand& command, const DataSplits& data) {
  LearnOptions options = command.options;
  for (const std::string& text : command.budgets) options.budgets.push_back(parse_budget(text));
  for (const std::string& cost : options.costs) make_cost_model(cost);
  if (!command.expand.empty()) options.expand = parse_budget(command.expand);
  options.compare.clear();
  for (const std::string& name : command.compare) {
    if (name != "none") options.compare.insert(parse_comparison(name));
  }
  options.structure = command.training.resolve(command.epochs, data);
  // The structure goes on moving to the end, so the rate does not fall to zero in this phase.
  options.structure.final_rate = 0.1;
  options.retrain =
      command.training.resolve(command.retrain_epochs.value_or(2 * command.epochs), data);
  validate(options);
  return options;
}

std::string device_name(c10::Device device) {
  return device.is_cuda() ? cuda_runtime(device).device_name() : "CPU";
}

void write_networks(const RunFolder& folder, const LearnResult& result) {
  for (const auto& [name, network] : result.networks) {
    write_network(folder.file(name + ".morph"), {.graph = network.graph, .params = network.params});
  }
}

void learn_network(const LearnCommand& command) {
  const auto start = std::chrono::steady_clock::now();
  RunContext context{.command = command_line(), .started = timestamp(), .versions = versions()};
  const c10::Device device = open_device(command.training.device);
  context.device = device_name(device);
  const DataSplits data = command.data.open(command.training.options.seed);
  const LearnOptions options = resolve(command, data);
  const Network network = command.network.load(&data);
  const std::string name = network_name(command.network.name);
  context.title = cat(name, " on ", data.name);
  const std::string out =
      command.training.out.empty() ? cat("runs/learn-", name) : command.training.out;
  const RunFolder folder(out,
                         command.training.resume ? ExistingRun::kResume : ExistingRun::kRefuse);
  const LearnResult result = learn({.data = data,
                                    .device = device,
                                    .folder = folder,
                                    .out = std::cout,
                                    .target = standard_output(),
                                    .columns = terminal_columns(),
                                    .stop = &stop_on_signal()},
                                   network,
                                   options);
  context.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  RunReport report = make_run_report(context, options, result);
  report.data = command.data.specification;
  write_networks(folder, result);
  if (result.structure_of != result.networks.at("seed").graph) {
    write_network(folder.file("structure.morph"), {.graph = result.structure_of});
  }
  folder.write_json("structure.json", to_json(result.structure));
  folder.write_json("run.json", make_run_json(report, options, result));
  write_file(folder.file("report.html"), render_report(report));
  folder.remove_phases();
  std::cout << "\n"
            << format_summary(report) << "\nmasked and shrunk network differ by "
            << result.equivalence << " relative; threshold " << result.threshold << "\n"
            << folder.file("report.html").string() << "\n";
}

void add_structure_options(CLI::App& sub, LearnCommand& command) {
  const char* group = "Structure";
  sub.add_option("--budget",
                 command.budgets,
                 "What the network may cost: flops=0.5x (of the seed), params=200k, flops=40M; "
                 "may be given for several costs")
      ->type_name("COST=AMOUNT")
      ->allow_extra_args(false)  // Or NET would be taken for a second budget.
      ->group(group);
  sub.add_option("--strength",
                 command.options.strength,
                 "Fixed strength of the regularizer; by default it follows the budget")
      ->group(group);
  sub.add_option("--cost",
                 command.options.costs,
                 "Costs the regularizer charges (default: those with a budget)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(group);
  sub.add_option("--expand",
                 command.expand,
                 "Then widen all layers alike up to this budget, and retrain that too")
      ->type_name("COST=AMOUNT")
      ->group(group);
  sub.add_option("--rounds", command.options.rounds, "Rounds of shrinking and expanding")
      ->capture_default_str()
      ->group(group);
  sub.add_option(
         "--round-to", command.options.round_to, "When expanding, make widths multiples of this")
      ->capture_default_str()
      ->group(group);
  sub.add_option("--threshold",
                 command.options.threshold,
                 "While training, a channel whose BN scales are at or below this counts as dead")
      ->capture_default_str()
      ->group(group);
  sub.add_option("--epochs", command.epochs, "Epochs of learning the structure, each round")
      ->capture_default_str();
  sub.add_option(
      "--retrain-epochs", command.retrain_epochs, "Epochs of retraining (default: twice --epochs)");
  sub.add_flag("--inherit",
               command.options.inherit,
               "Retrain from the weights the channels have, not from fresh ones");
  sub.add_option("--compare",
                 command.compare,
                 "Networks to train beside: seed, uniform (all widths alike, at the learned cost), "
                 "scratch (the learned structure from fresh weights), none")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
}

}  // namespace

void add_learn(CLI::App& app) {
  auto command = std::make_shared<LearnCommand>();
  CLI::App* sub = app.add_subcommand(
      "learn", "Learn a better structure for a network within a budget, and retrain it");
  command->network.add_to(*sub);
  command->data.add_to(*sub);
  add_structure_options(*sub, *command);
  command->training.add_to(*sub);
  sub->footer(
      "Writes into --out: run.json (every setting and figure), structure.json (what is kept of\n"
      "each layer), the seed, learned and other networks as X.morph with X.safetensors, and\n"
      "report.html. Ctrl-C writes a checkpoint; the same command with --resume goes on from it.");
  sub->callback([command] { learn_network(*command); });
}

}  // namespace morph
