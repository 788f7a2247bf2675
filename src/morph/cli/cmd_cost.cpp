#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/cli/arguments.h"
#include "morph/cli/commands.h"
#include "morph/cli/cost_report.h"
#include "morph/cli/scope_arguments.h"
#include "morph/cli/terminal.h"
#include "morph/report/numbers.h"

namespace morph {
namespace {

struct CostArguments {
  NetworkArgument network = {};
  std::string costs = join(default_cost_names(), ",");
  std::string compat = "none";
  CostQuestion question = {};
  ScopeArguments scope = {};
  bool by_layer = false;
  bool json = false;
};

/// An exact integer where the figure is one.
nlohmann::json exact(double value) {
  if (std::abs(value) < 0x1p53 && value == std::floor(value)) return static_cast<int64_t>(value);
  return value;
}

nlohmann::json to_json(const CostFigures& figures) {
  return {{"total", exact(figures.total)},
          {"alive", exact(figures.alive)},
          {"term", exact(figures.term)}};
}

nlohmann::json layer_json(const CostReport& report, const CostLine& line) {
  nlohmann::json layer = {{"name", line.name}, {"op", line.op}, {"in", line.in}, {"out", line.out}};
  for (size_t k = 0; k < report.names.size(); ++k) {
    layer[report.names[k]] = exact(line.figures[k].total);
  }
  if (report.slopes.empty()) return layer;
  layer["width"] = line.out;
  layer["alive"] = line.alive;
  for (size_t k = 0; k < report.names.size(); ++k) {
    layer["costs"][report.names[k]] = to_json(line.figures[k]);
  }
  return layer;
}

nlohmann::json to_json(const std::string& network, const CostReport& report) {
  nlohmann::json json = {{"network", network}, {"layers", nlohmann::json::array()}};
  for (size_t k = 0; k < report.names.size(); ++k) {
    nlohmann::json& cost = json["costs"][report.names[k]];
    if (report.slopes.empty()) {
      cost = {{"total", exact(report.totals[k].total)}};
    } else {
      cost = to_json(report.totals[k]);
      cost["slopes"] = report.slopes[k];
    }
  }
  for (const CostLine& line : report.lines) json["layers"].push_back(layer_json(report, line));
  return json;
}

void print_totals(const CostReport& report) {
  size_t width = 14;
  for (const std::string& name : report.names) width = std::max(width, name.size() + 2);
  for (size_t k = 0; k < report.names.size(); ++k) {
    const std::string& name = report.names[k];
    const CostFigures& figures = report.totals[k];
    std::cout << "  " << name << std::string(width - name.size(), ' ') << exact_count(figures.total)
              << "  (" << with_unit(figures.total, report.units[k]) << ")";
    if (!report.slopes.empty()) {
      std::cout << "  alive " << exact_count(figures.alive) << " ("
                << as_multiple(figures.alive / figures.total) << "), term "
                << short_count(figures.term);
    }
    std::cout << "\n";
  }
}

void print_layers(const CostReport& report) {
  const bool has_gates = !report.slopes.empty();
  std::vector<std::vector<std::string>> rows = {{"layer", "op", "in", "out"}};
  if (has_gates) rows[0].push_back("alive");
  for (const std::string& name : report.names) {
    rows[0].push_back(name);
    rows[0].push_back(has_gates ? "alive" : "%");
  }
  for (const CostLine& line : report.lines) {
    rows.push_back({line.name, line.op, cat(line.in), cat(line.out)});
    if (has_gates) rows.back().push_back(cat(line.alive));
    for (size_t k = 0; k < report.names.size(); ++k) {
      const CostFigures& figures = line.figures[k];
      rows.back().push_back(exact_count(figures.total));
      rows.back().push_back(has_gates ? exact_count(figures.alive)
                                      : fixed(100 * figures.total / report.totals[k].total, 1));
    }
  }
  std::cout << "\n" << format_table(rows);
}

void run(const CostArguments& arguments) {
  CostQuestion question = arguments.question;
  question.costs = split_cost_names(arguments.costs);
  question.options.compat = parse_compat(arguments.compat);
  question.scope = arguments.scope.resolve();
  const Network network = arguments.network.load();
  const CostReport report = report_costs(network, question);
  if (arguments.json) {
    std::cout << to_json(network.graph.name(), report).dump(1) << "\n";
    return;
  }
  std::cout << network.graph.name() << "\n";
  print_totals(report);
  if (arguments.by_layer) print_layers(report);
}

}  // namespace

void add_cost(CLI::App& app) {
  auto arguments = std::make_shared<CostArguments>();
  CLI::App* command = app.add_subcommand("cost", "Count what a network costs");
  arguments->network.add_to(*command);
  arguments->network.add_opaque_to(*command);
  command->add_option("--cost", arguments->costs, "What to count, separated by commas")
      ->type_name("COST,...")
      ->capture_default_str();
  CostOptions& options = arguments->question.options;
  command->add_option("--batch-size", options.batch_size, "Examples in the forward pass")
      ->capture_default_str();
  command->add_option("--element-size", options.element_bytes, "Bytes of a number")
      ->capture_default_str();
  command
      ->add_option("--compat",
                   arguments->compat,
                   "morph-net: by the rules of google-research/morph-net, its mistakes included")
      ->capture_default_str();
  arguments->question.gates.add_to(*command);
  arguments->scope.add_to(*command);
  command->add_flag("--by-layer", arguments->by_layer, "Also a table with a line for each layer");
  command->add_flag("--json", arguments->json, "Print JSON, always with the layers");
  command->footer(
      "flops: 2 per multiply-add of convolutions, dense layers and matrix products.\n"
      "params: every trainable number: weights, biases, BN scales and shifts.\n"
      "weights: weights of convolutions and dense layers alone.\n"
      "activations: elements that convolutions and dense layers write.\n"
      "channels: channels that convolutions and dense layers make.\n"
      "memory: bytes read and written, every value and param once for each node.\n"
      "activation-memory: bytes of values that are live at once.\n"
      "latency:DEVICE: nanoseconds by the roofline; DEVICE is a name such as V100 or H100,\n"
      "  peak=GFLOP/S,bandwidth=GB/S, or a file X.json of the two. See docs/costs.md.");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace morph
