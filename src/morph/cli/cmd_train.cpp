#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/cli/arguments.h"
#include "morph/cli/commands.h"
#include "morph/cli/device_name.h"
#include "morph/cli/scope_arguments.h"
#include "morph/cli/terminal.h"
#include "morph/learn/session.h"
#include "morph/nn/device.h"
#include "morph/report/numbers.h"

namespace morph {
namespace {

struct TrainCommand {
  NetworkArgument network = {};
  DataArguments data = {};
  TrainArguments training = {};
  StructureArguments structure = {};
  TeacherArguments teacher = {};
  int64_t epochs = 30;
};

void train_network(TrainCommand& command) {
  const std::string started = timestamp();
  const c10::Device device = open_device(command.training.device);
  const DataSplits data = command.data.open(command.training.options.seed);
  const Network network = command.structure.apply(command.network.load(&data));
  const TrainOptions options =
      command.teacher.apply(command.training.resolve(command.epochs, data), false);
  validate(options);
  const std::optional<Network> teaching = command.teacher.load(data);
  if (options.distillation > 0 && !teaching) {
    throw Error("--distill needs a trained network to learn from: give --teacher");
  }
  const std::string name = network_name(command.network.name);
  const std::string out =
      command.training.out.empty() ? cat("runs/train-", name) : command.training.out;
  const RunFolder folder(out,
                         command.training.resume ? ExistingRun::kResume : ExistingRun::kRefuse);
  const Session session{.data = data,
                        .device = device,
                        .folder = folder,
                        .out = std::cout,
                        .target = standard_output(),
                        .columns = terminal_columns(),
                        .tensorboard = command.training.tensorboard,
                        .stop = &stop_on_signal()};

  GraphModule module(
      network.graph,
      network.params ? *network.params : initial_params(network.graph, options.seed));
  module.to(device);
  std::optional<GraphModule> teacher;
  if (options.distillation > 0) teacher = make_teacher(*teaching, device);
  log_options(session, describe(options));
  const TrainSummary summary =
      run_phase(session,
                module,
                {.name = "train", .options = options, .teacher = teacher ? &*teacher : nullptr});
  write_network(folder.file(name + ".morph"), {.graph = network.graph, .params = snapshot(module)});
  nlohmann::json figures = measure_costs(network.graph);
  figures["top1"] = summary.final.top1;
  figures["loss"] = summary.final.loss;
  figures["epochs"] = options.epochs;
  nlohmann::json epochs = nlohmann::json::array();
  for (const EpochReport& epoch : summary.epochs) epochs.push_back(describe(epoch));
  folder.write_json("run.json",
                    {{"format", "morphnet-training"},
                     {"version", 1},
                     {"command", command_line()},
                     {"started", started},
                     {"device", device_name(device)},
                     {"versions", versions()},
                     {"options", describe(options)},
                     {"teacher", teacher ? nlohmann::json(command.teacher.network) : nullptr},
                     {"epochs", epochs},
                     {"result", {{"trained", figures}}}});
  folder.remove_phases();
  std::cout << folder.file(name + ".morph").string() << "  top-1 " << fixed(summary.final.top1, 2)
            << " %\n";
}

}  // namespace

void add_train(CLI::App& app) {
  auto command = std::make_shared<TrainCommand>();
  CLI::App* sub = app.add_subcommand("train", "Train a network, without a regularizer");
  command->network.add_to(*sub);
  command->data.add_to(*sub);
  sub->add_option("--epochs", command->epochs, "Epochs to train for")->capture_default_str();
  command->structure.add_to(*sub);
  command->teacher.add_to(*sub, ", which --distill needs");
  command->training.add_to(*sub);
  sub->callback([command] { train_network(*command); });
}

}  // namespace morph
