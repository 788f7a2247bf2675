#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "morph/base/error.h"
#include "morph/report/resources.h"
#include "morph/report/sweep.h"

namespace morph {
namespace {

constexpr double kMillion = 1e6;

/// Mean and deviation of the rows that belong to one cell.
SweepCell cell_of(const std::vector<const SweepRow*>& rows) {
  const SweepRow& first = *rows.front();
  SweepCell cell{.method = first.method,
                 .budget = first.budget,
                 .inherited = first.inherited,
                 .count = static_cast<int64_t>(rows.size()),
                 .epochs = first.epochs};
  const auto count = static_cast<double>(rows.size());
  for (const SweepRow* row : rows) {
    cell.mean += row->top1 / count;
    for (const auto& [resource, cost] : row->costs) cell.costs[resource] += cost / count;
  }
  double squares = 0;
  for (const SweepRow* row : rows) squares += (row->top1 - cell.mean) * (row->top1 - cell.mean);
  if (rows.size() > 1) cell.deviation = std::sqrt(squares / (count - 1));
  return cell;
}

bool belong_together(const SweepRow& a, const SweepRow& b) {
  return a.method == b.method && a.budget == b.budget && a.inherited == b.inherited;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char letter : text) quoted += letter == '"' ? "\"\"" : std::string(1, letter);
  return quoted + "\"";
}

/// Whole numbers as integers.
nlohmann::json exact(double value) {
  constexpr double kExact = 1e15;
  const bool is_whole = std::abs(value) < kExact && value == std::floor(value);
  return is_whole ? nlohmann::json(static_cast<int64_t>(value)) : nlohmann::json(value);
}

nlohmann::json exact(const std::map<std::string, double>& values) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, value] : values) json[name] = exact(value);
  return json;
}

nlohmann::json row_to_json(const SweepRow& row) {
  return {{"network", row.network},
          {"method", row.method},
          {"budget", row.budget},
          {"mflops", cost_of(row.costs, "flops") / kMillion},
          {"params", exact(cost_of(row.costs, "params"))},
          {"costs", exact(row.costs)},
          {"seed", row.seed},
          {"top1", row.top1},
          {"epochs", row.epochs},
          {"inherited", row.inherited},
          {"folder", row.folder}};
}

/// As JSON writes it: the shortest text that reads back as the same number.
std::string number(double value) { return nlohmann::json(value).dump(); }

}  // namespace

std::vector<SweepCell> summarize(const SweepReport& sweep) {
  std::vector<SweepCell> cells;
  std::vector<bool> used(sweep.rows.size(), false);
  for (size_t i = 0; i < sweep.rows.size(); ++i) {
    std::vector<const SweepRow*> together;
    for (size_t k = i; k < sweep.rows.size(); ++k) {
      if (used[k] || !belong_together(sweep.rows[i], sweep.rows[k])) continue;
      used[k] = true;
      together.push_back(&sweep.rows[k]);
    }
    if (!together.empty()) cells.push_back(cell_of(together));
  }
  const auto place = [&](const SweepCell& cell) {
    return std::find(sweep.methods.begin(), sweep.methods.end(), cell.method) -
           sweep.methods.begin();
  };
  std::stable_sort(cells.begin(), cells.end(), [&](const SweepCell& a, const SweepCell& b) {
    if (a.method != b.method) return place(a) < place(b);
    if (a.inherited != b.inherited) return b.inherited;
    return cost_of(a.costs, "flops") > cost_of(b.costs, "flops");
  });
  return cells;
}

std::vector<std::string> sweep_columns(const SweepReport& sweep) {
  std::vector<std::string> columns = sweep.costs;
  if (std::find(columns.begin(), columns.end(), "params") == columns.end()) {
    columns.push_back("params");
  }
  return columns;
}

HalvesKept halves_kept(const SweepReport& sweep, const SweepWidths& network) {
  const auto mean = [&](size_t first, size_t end) {
    double sum = 0;
    for (size_t i = first; i < end; ++i) {
      sum += static_cast<double>(network.widths[i]) / static_cast<double>(sweep.layers[i].width);
    }
    return end > first ? sum / static_cast<double>(end - first) : 0;
  };
  MORPH_CHECK(network.widths.size() == sweep.layers.size());
  const size_t middle = sweep.layers.size() / 2;
  return {.early = mean(0, middle), .late = mean(middle, sweep.layers.size())};
}

nlohmann::json to_json(const SweepReport& sweep) {
  nlohmann::json json = {{"format", "morphnet-sweep"},
                         {"version", 1},
                         {"title", sweep.title},
                         {"command", sweep.command},
                         {"date", sweep.started},
                         {"device", sweep.device},
                         {"data", sweep.data},
                         {"versions", sweep.versions},
                         {"results", nlohmann::json::array()},
                         {"layers", nlohmann::json::array()},
                         {"widths", nlohmann::json::array()},
                         {"failures", nlohmann::json::array()}};
  for (const SweepRow& row : sweep.rows) json["results"].push_back(row_to_json(row));
  for (const SweepLayer& layer : sweep.layers) {
    json["layers"].push_back({{"name", layer.name}, {"width", layer.width}});
  }
  for (const SweepWidths& network : sweep.widths) {
    const HalvesKept halves = halves_kept(sweep, network);
    json["widths"].push_back({{"method", network.method},
                              {"budget", network.budget},
                              {"widths", network.widths},
                              {"kept_early", halves.early},
                              {"kept_late", halves.late}});
  }
  for (const SweepFailure& failure : sweep.failures) {
    json["failures"].push_back(
        {{"point", failure.point}, {"reason", failure.reason}, {"log", failure.log}});
  }
  return json;
}

std::string to_csv(const SweepReport& sweep) {
  std::string text = "network,method,budget,mflops,params,seed,top1,epochs,inherited\n";
  for (const SweepRow& row : sweep.rows) {
    text += cat(csv_field(row.network),
                ",",
                csv_field(row.method),
                ",",
                csv_field(row.budget),
                ",",
                number(cost_of(row.costs, "flops") / kMillion),
                ",",
                exact(cost_of(row.costs, "params")).dump(),
                ",",
                row.seed,
                ",",
                number(row.top1),
                ",",
                row.epochs,
                ",",
                row.inherited ? "true" : "false",
                "\n");
  }
  return text;
}

}  // namespace morph
