#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "morph/base/error.h"
#include "morph/cli/arguments.h"
#include "morph/cli/commands.h"
#include "morph/nn/device.h"
#include "morph/report/numbers.h"

namespace morph {
namespace {

struct EvalArguments {
  NetworkArgument network = {};
  DataArguments data = {};
  uint64_t seed = 0;
  std::string device = "cpu";
  bool json = false;
};

void evaluate_network(const EvalArguments& arguments) {
  const c10::Device device = open_device(arguments.device);
  const DataSplits data = arguments.data.open(arguments.seed);
  const Network network = arguments.network.load(&data);
  if (!network.params) {
    throw Error(cat("'",
                    arguments.network.name,
                    "' has no weights to evaluate; train it first: morphnet train ",
                    arguments.network.name,
                    " --data ",
                    arguments.data.specification,
                    ", or name a file of them with --weights"));
  }
  GraphModule module(network.graph, *network.params);
  module.to(device);
  const Evaluation result = evaluate(module, *data.test, measure_normalization(*data.train));
  if (arguments.json) {
    const nlohmann::json json = {
        {"top1", result.top1}, {"loss", result.loss}, {"examples", result.examples}};
    std::cout << json.dump(1) << "\n";
  } else {
    std::cout << "top-1 " << fixed(result.top1, 2) << " %  loss " << fixed(result.loss, 4) << "  ("
              << result.examples << " examples)\n";
  }
}

}  // namespace

void add_eval(CLI::App& app) {
  auto arguments = std::make_shared<EvalArguments>();
  CLI::App* command = app.add_subcommand("eval", "Measure the accuracy of a trained network");
  arguments->network.add_to(*command);
  arguments->data.add_to(*command);
  command->add_option("--seed", arguments->seed, "Of synthetic data, as given when training")
      ->capture_default_str();
  command->add_option("--device", arguments->device, "cpu, cuda or cuda:N")->capture_default_str();
  command->add_flag("--json", arguments->json, "Print JSON");
  command->callback([arguments] { evaluate_network(*arguments); });
}

}  // namespace morph
