#include <chrono>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "morph/analysis/alive_counts.h"
#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/base/strings.h"
#include "morph/cli/arguments.h"
#include "morph/cli/commands.h"
#include "morph/cli/device_name.h"
#include "morph/cli/onnx_output.h"
#include "morph/cli/scope_arguments.h"
#include "morph/cli/terminal.h"
#include "morph/cost/cost_model.h"
#include "morph/learn/learn.h"
#include "morph/learn/run_record.h"
#include "morph/nn/device.h"
#include "morph/report/report.h"

namespace morph {
namespace {

/// From here on the seed teaches by default. Measured (docs/recipes.md): one of 60 epochs is worth
/// 0.8 points, one of 4 takes 0.5 away from a network that inherits more.
constexpr int64_t kEpochsOfATeacher = 30;

struct LearnCommand {
  NetworkArgument network = {};
  DataArguments data = {};
  TrainArguments training = {};
  ScopeArguments scope = {};
  StructureArguments structure = {};
  TeacherArguments teacher = {};
  LearnOptions options = {};
  std::vector<std::string> budgets = {};
  std::string expand = {};
  std::vector<std::string> compare = {"seed"};
  std::string combine = "max";
  std::string rounds = "1";
  std::optional<double> threshold = {};
  int64_t epochs = 30;
  std::optional<int64_t> retrain_epochs = {};
  bool alive_file = false;
  bool accepts_mismatch = false;
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

int64_t parse_rounds(const std::string& text) {
  if (text == "auto") return LearnOptions::kUntilConvergence;
  const auto rounds = static_cast<int64_t>(parse_count(text, "--rounds"));
  if (rounds < 1) throw Error(cat("--rounds: expected 1 or more, or auto, got ", text));
  return rounds;
}

LearnOptions resolve(const LearnCommand& command, const DataSplits& data, const Network& seed) {
  LearnOptions options = command.options;
  options.budgets = parse_budgets(join(command.budgets, ","));
  options.costs = split_cost_names(join(options.costs, ","));  // A device may hold a comma.
  for (const std::string& cost : options.costs) make_cost_model(cost);
  const GateThresholds usual = default_thresholds(options.gate);
  options.threshold = command.threshold.value_or(usual.training);
  options.lowest_threshold = usual.lowest;
  options.combination = parse_combination(command.combine);
  options.rounds = parse_rounds(command.rounds);
  if (!command.expand.empty()) options.expand = parse_budget(command.expand);
  options.compare.clear();
  for (const std::string& name : command.compare) {
    if (name != "none") options.compare.insert(parse_comparison(name));
  }
  options.scope = command.scope.resolve();
  options.structure = command.training.resolve(command.epochs, data);
  options.structure.final_rate = command.options.structure.final_rate;
  options.structure.decay_scales = command.options.structure.decay_scales;
  options.retrain =
      command.training.resolve(command.retrain_epochs.value_or(2 * command.epochs), data);
  // A seed that is trained here knows these classes; one that was given may be for others.
  const bool seed_teaches = !seed.params && options.compare.contains(Comparison::kSeed) &&
                            options.retrain.epochs >= kEpochsOfATeacher;
  options.retrain = command.teacher.apply(options.retrain, seed_teaches);
  options.teacher = command.teacher.load(data);
  validate(options);
  return options;
}

/// Whoever brings weights may not know that they could teach.
void say_who_could_teach(const LearnCommand& command,
                         const LearnOptions& options,
                         const Network& seed) {
  const bool is_decided = !command.teacher.distill.empty() || !command.teacher.network.empty();
  if (!seed.params || is_decided || options.retrain.epochs == 0) return;
  std::cout << "note: the seed has weights; if they are for these classes, --distill 0.5 lets it "
               "teach\n";
}

void write_networks(const RunFolder& folder, const LearnResult& result) {
  for (const auto& [name, network] : result.networks) {
    write_network(folder.file(name + ".morph"), {.graph = network.graph, .params = network.params});
  }
}

/// X.onnx beside each network of a run that began with an ONNX file. A file that ONNX Runtime
/// computes something else from is not written; the run is none the worse for it.
nlohmann::json write_onnx_files(const RunFolder& folder,
                                const LearnResult& result,
                                const LearnCommand& command) {
  nlohmann::json certificates = nlohmann::json::object();
  for (const auto& [name, network] : result.networks) {
    const OutputArgument out{.path = folder.file(name + ".onnx").string(),
                             .accepts_mismatch = command.accepts_mismatch};
    const OnnxFileOptions options = out.options(command.network.name);
    try {
      certificates[name] = to_json(write_onnx_network(
          out.path, {.graph = network.graph, .params = network.params}, options));
    } catch (const Error& error) {
      certificates[name] = {{"refused", error.what()}};
      std::cerr << "warning: " << error.what() << "\n";
    }
  }
  return certificates;
}

/// What ONNX Runtime said of the files of a run, a line for each.
std::string onnx_lines(const nlohmann::json& run) {
  std::string lines;
  if (!run.contains("onnxruntime")) return lines;
  for (const auto& [name, certificate] : run.at("onnxruntime").items()) {
    lines += cat(name, ".onnx ");
    if (certificate.is_null()) {
      lines += "was not tried in ONNX Runtime, which is not installed";
    } else if (certificate.contains("refused")) {
      lines += "was refused";
    } else {
      lines += cat("differs in ONNX Runtime by ", certificate.at("difference"), " relative");
    }
    lines += "\n";
  }
  return lines;
}

/// The structure in the original's form, named by how many steps it took to learn.
void write_alive_file(const RunFolder& folder,
                      const LearnResult& result,
                      const LearnOptions& options,
                      int64_t examples) {
  const int64_t batch = options.structure.batch_size;
  int64_t epochs = 0;
  for (const PhaseRecord& phase : result.phases) {
    if (phase.name.starts_with("structure-")) epochs += std::ssize(phase.epochs);
  }
  const int64_t steps = epochs * ((examples + batch - 1) / batch);
  const Graph& graph = result.structure_of;
  write_alive_counts(
      folder.root(), steps, alive_counts(graph, find_channel_groups(graph), result.structure));
}

void learn_network(const LearnCommand& command) {
  const auto start = std::chrono::steady_clock::now();
  RunContext context{.command = command_line(), .started = timestamp(), .versions = versions()};
  const c10::Device device = open_device(command.training.device);
  context.device = device_name(device);
  const DataSplits data = command.data.open(command.training.options.seed);
  const Network network = command.structure.apply(command.network.load(&data));
  const LearnOptions options = resolve(command, data, network);
  say_who_could_teach(command, options, network);
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
                                    .tensorboard = command.training.tensorboard,
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
  if (command.alive_file) write_alive_file(folder, result, options, data.train->size());
  nlohmann::json json = make_run_json(report, options, result);
  if (is_onnx_file(command.network.name)) {
    json["onnxruntime"] = write_onnx_files(folder, result, command);
  }
  folder.write_json("run.json", json);
  write_file(folder.file("report.html"), render_report(report));
  folder.remove_phases();
  std::cout << "\n"
            << format_summary(report) << "\nmasked and shrunk network differ by "
            << result.equivalence << " relative; threshold " << result.threshold << "\n"
            << onnx_lines(json) << folder.file("report.html").string() << "\n";
}

void add_gate_options(CLI::App& sub, LearnCommand& command) {
  const char* group = "Gates";
  sub.add_option("--gate",
                 command.options.gate,
                 "What says how much a channel is worth: gamma (its BN scales), group-lasso (the "
                 "weights that make it), logistic-sigmoid (gates put in for the purpose)")
      ->type_name("KIND")
      ->capture_default_str()
      ->group(group);
  sub.add_option("--l1-fraction",
                 command.options.l1_fraction,
                 "Of group-lasso: the share of the mean absolute weight, 0 to 1")
      ->capture_default_str()
      ->group(group);
  sub.add_option(
         "--combine",
         command.combine,
         "How gates of tied channels become one: max, l2, sum (each bears the whole price), or "
         "probabilistic (logistic-sigmoid alone)")
      ->type_name("HOW")
      ->capture_default_str()
      ->group(group);
  sub.add_flag("--proximal",
               command.options.proximal,
               "Pull gates to exactly zero after each step, instead of adding a slope to the "
               "gradient (gamma and group-lasso)")
      ->group(group);
  sub.add_flag("--decay-gates",
               command.options.structure.decay_scales,
               "Weight decay on BN scales also while the structure is learned")
      ->group(group);
  sub.add_option("--threshold",
                 command.threshold,
                 "While training, a channel whose gates are at or below this counts as dead "
                 "(default: gamma 0.05, group-lasso 0.01, logistic-sigmoid 0.5)")
      ->group(group);
}

void add_budget_options(CLI::App& sub, LearnCommand& command) {
  const char* group = "Structure";
  sub.add_option("--budget",
                 command.budgets,
                 "What the network may cost: flops=0.5x (of the seed), params=200k, flops=40M; "
                 "several are met together")
      ->type_name("COST=AMOUNT")
      ->allow_extra_args(false)  // Or NET would be taken for a second budget.
      ->group(group);
  sub.add_option("--strength",
                 command.options.strength,
                 "Fixed strength of the regularizer; by default it follows the budget")
      ->group(group);
  sub.add_option("--cost",
                 command.options.costs,
                 "Costs the regularizer charges (default: those with a budget); one without a "
                 "budget of its own follows those of the others")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(group);
  sub.add_option("--round-to",
                 command.options.round_to,
                 "Make widths multiples of this, such as 8, the nearest ones within the budget")
      ->capture_default_str()
      ->group(group);
  sub.add_option("--min-branch",
                 command.options.min_branch,
                 "At the cut, remove a branch entirely that would keep a smaller share of a "
                 "layer's channels, such as 0.1; its budget goes to the others")
      ->type_name("SHARE")
      ->capture_default_str()
      ->group(group);
}

void add_round_options(CLI::App& sub, LearnCommand& command) {
  const char* group = "Structure";
  sub.add_option("--epochs", command.epochs, "Epochs of learning the structure, each round")
      ->capture_default_str();
  sub.add_option("--stable-epochs",
                 command.options.stable_epochs,
                 "End learning when the structure has been stable, at its budget, for so many "
                 "epochs; 0: never early")
      ->capture_default_str()
      ->group(group);
  sub.add_option("--expand",
                 command.expand,
                 "Then widen all layers alike up to this budget, and retrain that too")
      ->type_name("COST=AMOUNT")
      ->group(group);
  sub.add_option(
         "--rounds",
         command.rounds,
         "Rounds of shrinking and expanding; auto: until the widths hardly change, at most 6")
      ->type_name("N|auto")
      ->capture_default_str()
      ->group(group);
  sub.add_flag("--alive-file",
               command.alive_file,
               "Write the structure as MorphNet does, too: learned_structure/alive_STEP");
  sub.add_flag("--force",
               command.accepts_mismatch,
               "Write X.onnx files even if ONNX Runtime computes otherwise");
}

void add_retraining_options(CLI::App& sub, LearnCommand& command) {
  const char* group = "Retraining";
  sub.add_option("--retrain-epochs",
                 command.retrain_epochs,
                 "Epochs of retraining (default: twice --epochs); 0, with --inherit, leaves it as "
                 "it was cut")
      ->group(group);
  sub.add_flag("--inherit",
               command.options.inherit,
               "Retrain from the weights the channels have, not from fresh ones")
      ->group(group);
  sub.add_flag("--inherit-expanded",
               command.options.inherit_wide,
               "Begin with copies of the learned weights after --expand, the function unchanged")
      ->group(group);
  sub.add_option("--retrain-learning-rate",
                 command.options.inherited_rate,
                 "Peak rate where weights are inherited (default: --learning-rate)")
      ->group(group);
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
  add_budget_options(*sub, *command);
  add_gate_options(*sub, *command);
  add_round_options(*sub, *command);
  add_retraining_options(*sub, *command);
  command->scope.add_to(*sub);
  command->structure.add_to(*sub);
  command->teacher.add_to(*sub,
                          " (default: the seed, where it is trained here, for 30 epochs or more)");
  command->training.add_to(*sub);
  sub->footer(
      "Writes into --out: run.json (every setting and figure), structure.json (what is kept of\n"
      "each layer), the seed, learned and other networks as X.morph with X.safetensors (and as\n"
      "X.onnx, if NET is one), and report.html. Ctrl-C writes a checkpoint; the same command with "
      "--resume goes on from it.");
  sub->callback([command] { learn_network(*command); });
}

}  // namespace morph
