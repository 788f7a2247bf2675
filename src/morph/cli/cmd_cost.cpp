#include <cmath>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/cli/arguments.h"
#include "morph/cli/commands.h"
#include "morph/cli/terminal.h"
#include "morph/cost/network_cost.h"
#include "morph/report/numbers.h"

namespace morph {
namespace {

struct CostArguments {
  std::string network = {};
  bool by_layer = false;
  bool json = false;
};

/// One node that costs something.
struct CostLine {
  std::string name;
  std::string op;
  size_t in = 0;
  size_t out = 0;
  std::vector<double> costs = {};  // In the order of default_cost_names().
};

/// An exact integer where the figure is one.
nlohmann::json exact(double value) {
  if (std::abs(value) < 0x1p53 && value == std::floor(value)) return static_cast<int64_t>(value);
  return value;
}

std::vector<CostLine> cost_lines(const Graph& graph) {
  const ChannelGroups groups = find_channel_groups(graph);
  std::vector<std::vector<double>> by_model;
  for (const std::string& name : default_cost_names()) {
    by_model.push_back(node_costs(graph, groups, *make_cost_model(name)));
  }
  std::vector<CostLine> lines;
  for (const NodeId id : graph.ids()) {
    CostLine line{.name = graph[id].name,
                  .op = graph[id].op,
                  .in = input_channels(graph, groups, id).size(),
                  .out = groups.channels(id).ids.size()};
    double sum = 0;
    for (const auto& costs : by_model) {
      line.costs.push_back(costs[index(id)]);
      sum += costs[index(id)];
    }
    if (sum > 0) lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<double> totals(const std::vector<CostLine>& lines) {
  std::vector<double> sums(default_cost_names().size(), 0);
  for (const CostLine& line : lines) {
    for (size_t k = 0; k < sums.size(); ++k) sums[k] += line.costs[k];
  }
  return sums;
}

nlohmann::json to_json(const Graph& graph, const std::vector<CostLine>& lines) {
  const std::vector<std::string> names = default_cost_names();
  const std::vector<double> sums = totals(lines);
  nlohmann::json json = {{"network", graph.name()}, {"layers", nlohmann::json::array()}};
  for (size_t k = 0; k < names.size(); ++k) json["costs"][names[k]]["total"] = exact(sums[k]);
  for (const CostLine& line : lines) {
    nlohmann::json layer = {
        {"name", line.name}, {"op", line.op}, {"in", line.in}, {"out", line.out}};
    for (size_t k = 0; k < names.size(); ++k) layer[names[k]] = exact(line.costs[k]);
    json["layers"].push_back(layer);
  }
  return json;
}

void print(const Graph& graph, const std::vector<CostLine>& lines, const CostArguments& arguments) {
  const std::vector<std::string> names = default_cost_names();
  const std::vector<double> sums = totals(lines);
  std::cout << graph.name() << "\n";
  for (size_t k = 0; k < names.size(); ++k) {
    std::cout << "  " << names[k] << std::string(14 - names[k].size(), ' ') << exact_count(sums[k])
              << "  (" << format_count(sums[k]) << " " << make_cost_model(names[k])->unit()
              << ")\n";
  }
  if (!arguments.by_layer) return;
  std::vector<std::vector<std::string>> rows = {{"layer", "op", "in", "out"}};
  for (const std::string& name : names) {
    rows[0].push_back(name);
    rows[0].push_back("%");
  }
  for (const CostLine& line : lines) {
    rows.push_back({line.name, line.op, cat(line.in), cat(line.out)});
    for (size_t k = 0; k < names.size(); ++k) {
      rows.back().push_back(exact_count(line.costs[k]));
      rows.back().push_back(fixed(100 * line.costs[k] / sums[k], 1));
    }
  }
  std::cout << "\n" << format_table(rows);
}

}  // namespace

void add_cost(CLI::App& app) {
  auto arguments = std::make_shared<CostArguments>();
  CLI::App* command = app.add_subcommand("cost", "Count what a network costs");
  command->add_option("NET", arguments->network, "zoo:NAME or X.morph")->required();
  command->add_flag("--by-layer", arguments->by_layer, "Also a table with a line for each layer");
  command->add_flag("--json", arguments->json, "Print JSON, always with the layers");
  command->footer(
      "flops: 2 per multiply-add of convolutions and dense layers, for one example.\n"
      "params: every trainable number: weights, biases, BN scales and shifts.\n"
      "activations: elements that convolutions and dense layers write, for one example.");
  command->callback([arguments] {
    const Network network = load_network(arguments->network);
    const std::vector<CostLine> lines = cost_lines(network.graph);
    if (arguments->json) {
      std::cout << to_json(network.graph, lines).dump(1) << "\n";
    } else {
      print(network.graph, lines, *arguments);
    }
  });
}

}  // namespace morph
