#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/cli/commands.h"
#include "morph/cli/terminal.h"
#include "morph/cost/network_cost.h"
#include "morph/report/numbers.h"
#include "morph/zoo/zoo.h"

namespace morph {
namespace {

/// A network with what it comes to.
struct Described {
  const zoo::Entry* entry = nullptr;
  Shape input = {};  ///< [C, H, W].
  int64_t outputs = 0;
  double params = 0;
  double flops = 0;
};

double total(const Graph& graph, const ChannelGroups& groups, const char* cost) {
  double sum = 0;
  for (const double each : node_costs(graph, groups, *make_cost_model(cost))) sum += each;
  return sum;
}

Described described(const std::string& specification) {
  const Graph graph = zoo::build(specification);
  const ChannelGroups groups = find_channel_groups(graph);
  const Shape& input = graph[graph.inputs().front()].shape;
  return {.entry = &zoo::find_network(specification),
          .input = {input.begin() + 1, input.end()},
          .outputs = graph[graph.outputs().front()].shape[1],
          .params = total(graph, groups, "params"),
          .flops = total(graph, groups, "flops")};
}

std::string extents(const Shape& shape) {
  std::vector<std::string> texts;
  for (const int64_t extent : shape) texts.push_back(cat(extent));
  return join(texts, "x");
}

nlohmann::json to_json(const Described& network) {
  nlohmann::json json = {{"name", network.entry->name},
                         {"description", network.entry->description},
                         {"input", network.input},
                         {"classes", network.outputs},
                         {"params", static_cast<int64_t>(network.params)},
                         {"flops", static_cast<int64_t>(network.flops)},
                         {"options", nlohmann::json::array()}};
  for (const zoo::Choice& choice : network.entry->choices) {
    json["options"].push_back(
        {{"name", choice.name}, {"values", choice.values}, {"description", choice.description}});
  }
  return json;
}

void print_table(const std::vector<Described>& all) {
  std::vector<std::vector<std::string>> rows = {
      {"network", "params", "FLOPs", "input", "classes", "options", "what it is"}};
  for (const Described& network : all) {
    std::vector<std::string> choices;
    for (const zoo::Choice& choice : network.entry->choices) choices.push_back(choice.name);
    rows.push_back({network.entry->name,
                    exact_count(network.params),
                    exact_count(network.flops),
                    extents(network.input),
                    cat(network.outputs),
                    join(choices, " "),
                    network.entry->description});
  }
  std::cout << format_table(rows);
}

void print(const Described& network) {
  const zoo::Entry& entry = *network.entry;
  std::cout << entry.name << ": " << entry.description << "\n  input    " << extents(network.input)
            << ", " << network.outputs << " classes\n  params   " << exact_count(network.params)
            << "\n  flops    " << exact_count(network.flops)
            << "\n\noptions, as in zoo:" << entry.name << "?width=0.5&classes=10\n"
            << "  width    multiplies every width; 1\n"
            << "  classes  of the data set, else " << entry.task.classes << "\n"
            << "  input    of the data set, else " << extents(entry.task.input) << "\n";
  for (const zoo::Choice& choice : entry.choices) {
    std::cout << "  " << choice.name
              << std::string(9 - std::min<size_t>(8, choice.name.size()), ' ')
              << join(choice.values, ", ") << ": " << choice.description << "\n";
  }
}

void list_all(bool as_json) {
  std::vector<Described> all;
  for (const zoo::Entry& entry : zoo::networks()) all.push_back(described(entry.name));
  if (!as_json) return print_table(all);
  nlohmann::json list = nlohmann::json::array();
  for (const Described& network : all) list.push_back(to_json(network));
  std::cout << list.dump(1) << "\n";
}

}  // namespace

void add_zoo(CLI::App& app) {
  struct Arguments {
    std::string network;
    bool json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("zoo", "List the networks that are known by name");
  command->add_option("NETWORK", arguments->network, "Describe this one: NAME or zoo:NAME?…");
  command->add_flag("--json", arguments->json, "Print JSON");
  command->callback([arguments] {
    if (arguments->network.empty()) return list_all(arguments->json);
    const Described network = described(arguments->network);
    if (!arguments->json) return print(network);
    std::cout << to_json(network).dump(1) << "\n";
  });
}

}  // namespace morph
