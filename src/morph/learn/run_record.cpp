#include "morph/learn/run_record.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iomanip>
#include <sstream>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/cost/network_cost.h"
#include "morph/ops/op_def.h"
#include "morph/report/resources.h"

namespace morph {
namespace {

/// The order in which networks are listed.
constexpr std::array<const char*, 5> kOrder = {"seed", "learned", "scratch", "expanded", "uniform"};

/// Devices whose latency every report shows.
constexpr std::array<const char*, 3> kReportedDevices = {"H100", "T4", "Ryzen-7950X"};

/// By node index, for each cost that is reported of the networks.
std::map<std::string, std::vector<double>> all_node_costs(const Graph& graph,
                                                          const ChannelGroups& groups,
                                                          const TrainedNetwork& like) {
  std::map<std::string, std::vector<double>> costs;
  for (const auto& [name, total] : like.costs) {
    costs[name] = node_costs(graph, groups, *make_cost_model(name));
  }
  return costs;
}

/// What a network costs by every model, latency on one device of each kind included.
std::map<std::string, double> all_resources(const Graph& graph) {
  std::vector<std::string> names = cost_model_names();
  for (const char* device : kReportedDevices) names.push_back(cat("latency:", device));
  std::map<std::string, double> costs;
  for (const std::string& name : names) costs[name] = network_cost(graph, *make_cost_model(name));
  return costs;
}

std::vector<NetworkFigures> network_figures(const LearnResult& result) {
  std::vector<NetworkFigures> figures;
  for (const char* name : kOrder) {
    const auto it = result.networks.find(name);
    if (it == result.networks.end()) continue;
    NetworkFigures row{.name = name,
                       .costs = it->second.costs,
                       .epochs = it->second.epochs,
                       .note = it->second.note,
                       .resources = all_resources(it->second.graph)};
    if (it->second.result) row.top1 = it->second.result->top1;
    figures.push_back(row);
  }
  return figures;
}

int64_t width_in(const Graph& graph, const std::string& layer) {
  const std::optional<NodeId> id = graph.find(layer);
  return id ? graph[*id].params.at("weight").shape.front() : 0;
}

std::vector<LayerFigures> layer_figures(const LearnResult& result, const ChannelScope& scope) {
  const Graph& seed = result.networks.at("seed").graph;
  const Graph& learned = result.networks.at("learned").graph;
  const ChannelGroups groups = find_channel_groups(seed, scope);
  const TrainedNetwork& reported = result.networks.at("seed");
  const auto seed_costs = all_node_costs(seed, groups, reported);
  const auto learned_costs = all_node_costs(learned, find_channel_groups(learned), reported);
  const auto expanded = result.networks.find("expanded");
  std::vector<LayerFigures> layers;
  for (const NodeId id : seed.ids()) {
    if (groups.made_by(id).empty()) continue;
    const size_t group = *groups.group_of(id);
    LayerFigures layer{.name = seed[id].name,
                       .op = seed[id].op,
                       .group = cat(group + 1),
                       .seed_width = static_cast<int64_t>(groups.made_by(id).size()),
                       .learned_width = width_in(learned, seed[id].name),
                       .pinned = groups.groups()[group].pinned,
                       .removed = !learned.find(seed[id].name).has_value()};
    if (expanded != result.networks.end()) {
      layer.expanded_width = width_in(expanded->second.graph, layer.name);
    }
    for (const auto& [cost, values] : seed_costs) layer.seed_cost[cost] = values[index(id)];
    for (const auto& [cost, values] : learned_costs) {
      const std::optional<NodeId> left = learned.find(layer.name);
      layer.learned_cost[cost] = left ? values[index(*left)] : 0;
    }
    layers.push_back(layer);
  }
  return layers;
}

int64_t channels_of(const Node& node) {
  return node.shape.size() > 1 ? node.shape[1] : element_count(node.shape);
}

/// "3×3/2": the window and, where it is not 1, the stride; "dw" of a depthwise convolution and "g4"
/// of one in four groups go before it.
std::string window_text(const Node& node) {
  std::vector<int64_t> window = node.ints("kernel_shape", {});
  const auto weight = node.params.find("weight");
  if (window.empty() && weight != node.params.end() && weight->second.shape.size() > 2) {
    window.assign(weight->second.shape.begin() + 2, weight->second.shape.end());
  }
  if (window.empty()) return {};
  const int64_t groups = node.integer("group", 1);
  std::string text = groups == 1 ? "" : groups == channels_of(node) ? "dw " : cat("g", groups, " ");
  const size_t start = text.size();
  for (const int64_t side : window) text += cat(text.size() == start ? "" : "×", side);
  const std::vector<int64_t> strides = node.ints("strides", {});
  const int64_t stride = strides.empty() ? 1 : std::ranges::max(strides);
  if (stride > 1) text += cat("/", stride);
  return text;
}

/// The seed as the report draws it: constants for arithmetic are left out.
std::vector<OperatorFigures> operator_figures(const Graph& seed, const Graph& learned) {
  std::vector<OperatorFigures> figures;
  std::map<NodeId, int64_t> places;
  for (const NodeId id : seed.ids()) {
    const Node& node = seed[id];
    if (node.op == "Constant" || node.op == "Parameter") continue;
    const std::optional<NodeId> left = learned.find(node.name);
    const auto weight = node.params.find("weight");
    OperatorFigures one{
        .name = node.name,
        .op = node.op,
        .detail = window_text(node),
        .seed_width = channels_of(node),
        .learned_width = left ? channels_of(learned[*left]) : 0,
        .has_weights = weight != node.params.end() && weight->second.shape.size() > 1,
        .removed = !left.has_value()};
    for (const NodeId input : node.inputs) {
      if (places.contains(input)) one.inputs.push_back(places.at(input));
    }
    places[id] = static_cast<int64_t>(figures.size());
    figures.push_back(one);
  }
  return figures;
}

/// What callbacks wrote under "PREFIX.NAME", by name.
std::map<std::string, double> figures_of(const nlohmann::json& extra, const std::string& prefix) {
  std::map<std::string, double> figures;
  for (const auto& [key, value] : extra.items()) {
    if (key.starts_with(prefix + ".")) figures[key.substr(prefix.size() + 1)] = value.get<double>();
  }
  return figures;
}

Phase phase_figures(const PhaseRecord& record) {
  Phase phase{.name = record.name, .budget = record.limits};
  for (const EpochReport& report : record.epochs) {
    EpochFigures epoch{.epoch = report.epoch,
                       .loss = report.loss,
                       .test_loss = report.test.loss,
                       .test_top1 = report.test.top1,
                       .cost = figures_of(report.extra, "cost"),
                       .target = figures_of(report.extra, "target"),
                       .strength = figures_of(report.extra, "strength"),
                       .learning_rate = report.learning_rate};
    if (report.extra.contains("gates")) epoch.gates = gates_from_json(report.extra.at("gates"));
    phase.epochs.push_back(epoch);
  }
  return phase;
}

std::string budget_text(const LearnOptions& options) {
  std::vector<std::string> parts;
  for (const Budget& budget : options.budgets) parts.push_back(budget.text());
  if (options.strength) parts.push_back(cat("strength ", *options.strength));
  if (options.expand) parts.push_back(cat("expanded to ", options.expand->text()));
  return join(parts, ", ");
}

std::vector<std::string> notes(const LearnResult& result) {
  std::vector<std::string> lines;
  for (const PhaseRecord& phase : result.phases) {
    if (!phase.end.empty()) lines.push_back(cat(phase.name, " ", phase.end, "."));
  }
  if (!result.removed.empty()) {
    lines.push_back(cat("Removed from the graph: ", join(result.removed, ", "), "."));
  }
  for (const ConstantNote& note : result.constants) {
    std::string line = cat(note.channels, " removed channels still sent a constant to ", note.node);
    line +=
        note.folded
            ? "; it was folded into the weights, exactly."
            : cat(" (up to ", format_count(note.largest), "); it was dropped: ", note.reason, ".");
    lines.push_back(line);
  }
  return lines;
}

std::map<std::string, std::string> settings(const LearnOptions& options) {
  std::map<std::string, std::string> lines;
  const nlohmann::json json = describe(options);
  for (const auto& [key, value] : json.items()) {
    if (!value.is_object())
      lines[key] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  for (const char* phase : {"structure", "retrain", "scope"}) {
    for (const auto& [key, value] : json.at(phase).items())
      lines[cat(phase, ".", key)] = value.dump();
  }
  return lines;
}

/// FLOPs, parameters, and what else the run had a budget for.
std::vector<std::string> summary_costs(const NetworkFigures* seed) {
  std::vector<std::string> costs = {"flops", "params"};
  if (seed == nullptr) return costs;
  const std::vector<std::string> usual = default_cost_names();
  for (const auto& [cost, amount] : seed->costs) {
    if (std::find(usual.begin(), usual.end(), cost) == usual.end()) costs.push_back(cost);
  }
  return costs;
}

int column_width(const std::string& cost) {
  return static_cast<int>(std::max<size_t>(12, resource_column(cost).size() + 2));
}

}  // namespace

std::vector<Pinned> list_pinned(const Graph& graph, const ChannelScope& scope) {
  const ChannelGroups groups = find_channel_groups(graph, scope);
  std::vector<Pinned> pinned;
  for (const ChannelGroup& group : groups.groups()) {
    if (group.pinned.empty()) continue;
    for (const NodeId layer : group.layers) {
      pinned.push_back({.layer = graph[layer].name, .reason = group.pinned});
    }
  }
  return pinned;
}

RunReport make_run_report(const RunContext& context,
                          const LearnOptions& options,
                          const LearnResult& result) {
  RunReport report{.title = context.title,
                   .command = context.command,
                   .started = context.started,
                   .seconds = context.seconds,
                   .device = context.device,
                   .budget = budget_text(options),
                   .versions = context.versions,
                   .settings = settings(options),
                   .networks = network_figures(result),
                   .layers = layer_figures(result, options.scope),
                   .graph = operator_figures(result.networks.at("seed").graph,
                                             result.networks.at("learned").graph),
                   .pinned = list_pinned(result.networks.at("seed").graph, options.scope),
                   .notes = notes(result),
                   .equivalence = result.equivalence,
                   .threshold = result.threshold};
  for (const PhaseRecord& phase : result.phases) report.phases.push_back(phase_figures(phase));
  return report;
}

nlohmann::json make_run_json(const RunReport& report,
                             const LearnOptions& options,
                             const LearnResult& result) {
  nlohmann::json json = to_json(report);
  json["format"] = "morphnet-run";
  json["version"] = 1;
  json["options"] = describe(options);
  json["budget_used"] = result.budget_used;
  json["round_changes"] = result.changes;
  for (const PhaseRecord& phase : result.phases) {
    if (!phase.end.empty()) json["ended_early"][phase.name] = phase.end;
  }
  json["after_cut"] = {{"top1", result.after_cut.top1}, {"loss", result.after_cut.loss}};
  for (const NetworkFigures& network : report.networks) {
    nlohmann::json figures = network.costs;
    figures["top1"] = network.top1 ? nlohmann::json(*network.top1) : nlohmann::json();
    figures["epochs"] = network.epochs;
    json["result"][network.name] = figures;
  }
  for (const PhaseRecord& phase : result.phases) {
    for (const EpochReport& epoch : phase.epochs) {
      json["epochs"][phase.name].push_back(describe(epoch));
    }
  }
  return json;
}

std::string format_summary(const RunReport& report) {
  std::ostringstream out;
  const NetworkFigures* seed = report.networks.empty() ? nullptr : &report.networks.front();
  const std::vector<std::string> costs = summary_costs(seed);
  out << std::left << std::setw(12) << "network" << std::right;
  for (const std::string& cost : costs) {
    out << std::setw(column_width(cost)) << resource_column(cost) << std::setw(9) << "";
  }
  out << std::setw(10) << "top-1 %" << std::setw(8) << "epochs"
      << "\n";
  out << std::fixed;
  for (const NetworkFigures& network : report.networks) {
    out << std::left << std::setw(12) << network.name << std::right;
    for (const std::string& cost : costs) {
      out << std::setw(column_width(cost)) << format_count(network.costs.at(cost)) << std::setw(8)
          << std::setprecision(3) << network.costs.at(cost) / seed->costs.at(cost) << "x";
    }
    out << std::setw(10) << std::setprecision(2);
    if (network.top1) {
      out << *network.top1;
    } else {
      out << "-";
    }
    out << std::setw(8) << network.epochs;
    if (!network.note.empty()) out << "  " << network.note;
    out << "\n";
  }
  return out.str();
}

}  // namespace morph
