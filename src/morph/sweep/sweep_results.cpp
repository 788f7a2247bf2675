#include "morph/sweep/sweep_results.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "morph/analysis/channel_groups.h"
#include "morph/analysis/shapes.h"
#include "morph/analysis/structure.h"
#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/base/json_file.h"
#include "morph/cost/network_cost.h"
#include "morph/ir/text.h"

namespace morph {
namespace {

constexpr const char* kTrained = "trained";
constexpr const char* kLearned = "learned";
constexpr const char* kScratch = "scratch";
constexpr const char* kExpanded = "expanded";
constexpr const char* kInherited = "weights inherited";

Graph read_graph(const std::filesystem::path& path) {
  return infer_shapes(parse_graph(read_file(path)));
}

/// The layers whose width may change, with their width.
std::vector<SweepLayer> free_layers(const Graph& graph) {
  const ChannelGroups groups = find_channel_groups(graph);
  std::vector<SweepLayer> layers;
  for (const NodeId id : deciding_layers(graph, groups)) {
    if (groups.groups()[*groups.group_of(id)].prunable == 0) continue;
    layers.push_back(
        {.name = graph[id].name, .width = static_cast<int64_t>(groups.made_by(id).size())});
  }
  return layers;
}

std::vector<int64_t> widths_in(const Graph& graph, const std::vector<SweepLayer>& layers) {
  const ChannelGroups groups = find_channel_groups(graph);
  std::vector<int64_t> widths;
  for (const SweepLayer& layer : layers) {
    const std::optional<NodeId> id = graph.find(layer.name);
    widths.push_back(id ? static_cast<int64_t>(groups.made_by(*id).size()) : 0);
  }
  return widths;
}

/// Reads one point after another.
class Collector {
 public:
  Collector(SweepReport sweep, const SweepRequest& request)
      : sweep_(std::move(sweep)), request_(request) {
    const Graph seed = read_graph(request.network);
    network_ = seed.name();
    sweep_.layers = free_layers(seed);
    sweep_.methods = {"seed"};
    for (const std::string& method : request.methods) {
      sweep_.methods.push_back(method);
      sweep_.methods.push_back(method + "-expanded");
    }
  }

  void add(const SweepPoint& point) {
    const nlohmann::json run = read_json(point.folder / "run.json");
    try {
      if (run.contains("device")) sweep_.device = run.at("device").get<std::string>();
      for (const auto& [name, figures] : run.at("result").items()) {
        if (is_result(name)) add_row(point, name, run);
      }
    } catch (const nlohmann::json::exception& error) {
      throw Error(cat("'",
                      (point.folder / "run.json").string(),
                      "' is not the record of a run: ",
                      error.what(),
                      ". Remove that folder to run the point again"));
    }
  }

  SweepReport take() { return std::move(sweep_); }

 private:
  static bool is_result(const std::string& name) {
    return name == kTrained || name == kLearned || name == kScratch || name == kExpanded;
  }

  void add_row(const SweepPoint& point, const std::string& name, const nlohmann::json& run) {
    const nlohmann::json& figures = run.at("result").at(name);
    const Graph graph = read_graph(network_file(point, name));
    SweepRow row{.network = network_,
                 .method = point.method + (name == kExpanded ? "-expanded" : ""),
                 .budget = point.budget,
                 .seed = point.seed,
                 .top1 = figures.at("top1").get<double>(),
                 .epochs = figures.at("epochs").get<int64_t>(),
                 .inherited = is_inherited(name, run),
                 .folder = std::filesystem::relative(point.folder, request_.root).string()};
    std::vector<std::string> resources = sweep_.costs;
    resources.insert(resources.end(), {"flops", "params"});
    for (const std::string& resource : resources) {
      row.costs[resource] = network_cost(graph, *make_cost_model(resource));
    }
    sweep_.rows.push_back(row);
    if (name == kLearned && point.seed == request_.first_seed) {
      sweep_.widths.push_back({.method = point.method,
                               .budget = point.budget,
                               .widths = widths_in(graph, sweep_.layers)});
    }
  }

  /// `train` names what it writes after what it reads.
  static std::filesystem::path network_file(const SweepPoint& point, const std::string& name) {
    if (name != kTrained) return point.folder / (name + ".morph");
    const std::filesystem::path read = point.steps.back().arguments.at(1);
    return point.folder / read.filename();
  }

  static bool is_inherited(const std::string& name, const nlohmann::json& run) {
    if (name == kTrained) return false;
    for (const nlohmann::json& network : run.at("networks")) {
      if (network.at("name") == name) return network.value("note", "").rfind(kInherited, 0) == 0;
    }
    return false;
  }

  SweepReport sweep_;
  const SweepRequest& request_;
  std::string network_;
};

std::string picture_name(std::string resource) {
  for (char& letter : resource) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '-';
  }
  return cat("sweep-", resource, ".svg");
}

}  // namespace

SweepReport with_results(SweepReport sweep,
                         const SweepRequest& request,
                         const std::vector<SweepPoint>& points) {
  Collector collector(std::move(sweep), request);
  for (const SweepPoint& point : points) {
    if (point.is_finished()) collector.add(point);
  }
  SweepReport result = collector.take();
  result.points = static_cast<int64_t>(points.size());
  return result;
}

void write_results(const SweepReport& sweep, const SweepRequest& request) {
  write_file(request.root / "results.json", to_json(sweep).dump(1) + "\n");
  write_file(request.root / "results.csv", to_csv(sweep));
  write_file(request.root / "sweep.html", render_sweep(sweep));
  for (const std::string& resource : sweep.costs) {
    write_file(request.root / picture_name(resource), render_sweep_chart(sweep, resource));
  }
}

}  // namespace morph
