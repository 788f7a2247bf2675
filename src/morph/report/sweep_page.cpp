#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "morph/base/error.h"
#include "morph/report/html.h"
#include "morph/report/line_chart.h"
#include "morph/report/numbers.h"
#include "morph/report/page.h"
#include "morph/report/resources.h"
#include "morph/report/sections.h"
#include "morph/report/svg.h"
#include "morph/report/sweep.h"

namespace morph {
namespace {

constexpr const char* kSeed = "seed";

/// The article's colours: what is learned in blue, uniform width in red.
std::string style_of(const std::string& method) {
  if (method == kSeed) return "series-seed";
  if (method == "uniform") return "series-4";
  if (method == "random") return "series-3";
  if (method == "l1") return "series-2";
  return method == "morphnet" ? "series-0" : "series-1";
}

std::string style_of(const SweepCell& cell) {
  return style_of(cell.method) + (cell.inherited ? " inherited" : "");
}

std::string name_of(const SweepCell& cell) {
  return cell.method + (cell.inherited ? ", weights inherited" : "");
}

bool share_a_curve(const SweepCell& a, const SweepCell& b) {
  return a.method == b.method && a.inherited == b.inherited;
}

/// "87.10 ± 0.15" or "87.10".
std::string accuracy(const SweepCell& cell) {
  return fixed(cell.mean, 2) + (cell.count > 1 ? " ± " + fixed(cell.deviation, 2) : "");
}

/// The name of the resource in a budget: "flops" of "flops=0.5x".
std::string resource_of(const std::string& budget) { return budget.substr(0, budget.rfind('=')); }

/// The cells that a chart of `resource` shows: those with a budget on it, and the seed.
std::vector<SweepCell> cells_for(const SweepReport& sweep, const std::string& resource) {
  std::vector<SweepCell> cells = summarize(sweep);
  std::erase_if(cells, [&](const SweepCell& cell) {
    return !cell.budget.empty() && resource_of(cell.budget) != resource;
  });
  return cells;
}

std::string tip_of(const SweepCell& cell, const std::string& resource) {
  return cat(name_of(cell),
             cell.budget.empty() ? "" : ", " + without_folders(cell.budget),
             "\n",
             resource_amount(resource, cost_of(cell.costs, resource)),
             " ",
             resource_noun(resource),
             "\ntop-1 ",
             accuracy(cell),
             " %, ",
             cell.count,
             cell.count == 1 ? " seed" : " seeds");
}

/// A chart and what its lines are called.
struct TradeOff {
  LineChart chart;
  std::vector<ChartKey> legend;
};

Axis cost_axis(const std::vector<SweepCell>& cells, const std::string& resource) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const SweepCell& cell : cells) {
    low = std::min(low, cost_of(cell.costs, resource));
    high = std::max(high, cost_of(cell.costs, resource));
  }
  return curve_axis(low, high, 6);
}

TradeOff trade_off(const SweepReport& sweep, const std::string& resource) {
  const std::vector<SweepCell> cells = cells_for(sweep, resource);
  const Axis axis = cost_axis(cells, resource);
  TradeOff result;
  result.chart.label = cat("Test accuracy against ", resource_noun(resource), ", by method.");
  result.chart.height = 320;
  result.chart.unit = "%";
  for (size_t i = 0; i < cells.size(); ++i) {
    const SweepCell& cell = cells[i];
    if (i == 0 || !share_a_curve(cells[i - 1], cell)) {
      result.chart.lines.push_back({.style = style_of(cell)});
      result.legend.push_back({.style = style_of(cell), .text = name_of(cell)});
    }
    result.chart.lines.back().points.push_back({.x = axis.share(cost_of(cell.costs, resource)),
                                                .y = cell.mean,
                                                .tip = tip_of(cell, resource),
                                                .spread = cell.deviation});
  }
  for (const double tick : axis.ticks) {
    result.chart.ticks.push_back({axis.share(tick), axis.text(tick)});
  }
  return result;
}

std::string legend_items(const std::vector<ChartKey>& legend) {
  std::string items;
  for (const ChartKey& key : legend) {
    items += element(
        "li", {}, element("i", {{"class", "swatch line " + key.style}}, "") + escape(key.text));
  }
  return element("ul", {{"class", "legend"}}, items);
}

std::string figure(const std::string& heading, const TradeOff& drawn) {
  const std::string head = element("h3", {}, escape(heading)) + legend_items(drawn.legend);
  return element("div",
                 {{"class", "chart"}},
                 element("div", {{"class", "head"}}, head) + draw_lines(drawn.chart)) +
         "\n";
}

std::string heading_of(const std::string& resource) {
  const std::string unit = resource_unit(resource);
  return "Test accuracy, top-1, against " + resource_noun(resource) +
         (unit.empty() ? "" : " in " + unit);
}

std::string curves(const SweepReport& sweep) {
  if (sweep.rows.empty()) {
    return section("curves", "Trade-off", quiet("No point has been trained yet."));
  }
  std::string content =
      quiet("Each dot is the mean over the seeds, each bar one standard deviation to both sides.");
  for (const std::string& resource : sweep.costs) {
    content += figure(heading_of(resource), trade_off(sweep, resource));
  }
  return section("curves", "Trade-off", content);
}

std::string cell_row(const SweepReport& sweep, const SweepCell& cell) {
  const auto number = [](const char* label, const std::string& text) {
    return element("td", {{"class", "number"}, {"data-label", label}}, escape(text));
  };
  std::string cells = element("th", {{"scope", "row"}}, escape(name_of(cell)));
  cells += element("td", {{"data-label", "Budget"}}, escape(without_folders(cell.budget)));
  cells += number("Top-1, %", accuracy(cell));
  for (const std::string& resource : sweep_columns(sweep)) {
    cells += element("td",
                     {{"class", "number"}, {"data-label", resource_title(resource)}},
                     escape(resource_amount(resource, cost_of(cell.costs, resource))));
  }
  cells += number("Seeds", cat(cell.count)) + number("Epochs", cat(cell.epochs));
  return element("tr", {{"class", cell.method == "morphnet" ? "result" : "other"}}, cells) + "\n";
}

std::string table(const SweepReport& sweep) {
  const auto column = [](const std::string& name, const char* style) {
    return element("th", {{"scope", "col"}, {"class", style}}, escape(name));
  };
  std::string head = column("Method", "name") + column("Budget", "name");
  head += column("Top-1, %", "number");
  for (const std::string& resource : sweep_columns(sweep)) {
    head += column(resource_title(resource), "number");
  }
  head += column("Seeds", "number");
  head += column("Epochs in the weights", "number");
  std::string rows;
  for (const SweepCell& cell : summarize(sweep)) rows += cell_row(sweep, cell);
  return element("table",
                 {{"class", "networks"}},
                 element("thead", {}, element("tr", {}, head)) + element("tbody", {}, rows));
}

std::string results(const SweepReport& sweep) {
  if (sweep.rows.empty()) return {};
  return section("results", "Results", element("div", {{"class", "scroll"}}, table(sweep)));
}

std::string failures(const SweepReport& sweep) {
  if (sweep.failures.empty()) return {};
  std::string items;
  for (const SweepFailure& failure : sweep.failures) {
    items +=
        element("li", {}, escape(cat(failure.point, ": ", failure.reason, " (", failure.log, ")")));
  }
  return section("failures", "What failed", element("ul", {{"class", "notes"}}, items));
}

/// Lines of one chart that can be told apart: "series-0" to "series-4".
constexpr size_t kColours = 5;

std::string name_of(const SweepWidths& network) {
  return cat(network.method, ", ", without_folders(network.budget));
}

/// A learned network and the style of its line.
struct KeptLine {
  const SweepWidths* network = nullptr;
  std::string style = {};
};

/// Of each network, the share of its width that each layer kept.
TradeOff kept_widths(const SweepReport& sweep, const std::vector<KeptLine>& kept) {
  TradeOff result;
  result.chart.label = "Share of its width that each layer keeps, layers in order.";
  result.chart.height = 220;
  result.chart.from_zero = true;
  result.chart.unit = "×";
  const auto count = static_cast<double>(sweep.layers.size());
  for (const auto& [network, style] : kept) {
    const std::string name = name_of(*network);
    result.legend.push_back({.style = style, .text = name});
    ChartLine line{.style = style};
    for (size_t i = 0; i < sweep.layers.size(); ++i) {
      const SweepLayer& layer = sweep.layers[i];
      line.points.push_back(
          {.x = (static_cast<double>(i) + 0.5) / count,
           .y = static_cast<double>(network->widths[i]) / static_cast<double>(layer.width),
           .tip = cat(layer.name, "\n", name, ": ", network->widths[i], " of ", layer.width)});
    }
    result.chart.lines.push_back(line);
  }
  return result;
}

/// One chart of all learned networks while there is a colour for each; else one for each budget, in
/// the colours of the methods.
std::string kept_width_figures(const SweepReport& sweep) {
  const char* heading = "Share of its width that each layer keeps";
  std::vector<KeptLine> all;
  for (const SweepWidths& network : sweep.widths) {
    all.push_back({.network = &network, .style = cat("series-", all.size())});
  }
  if (all.size() <= kColours) return figure(heading, kept_widths(sweep, all));
  std::string figures;
  std::set<std::string> drawn;
  for (const SweepWidths& first : sweep.widths) {
    if (!drawn.insert(first.budget).second) continue;
    std::vector<KeptLine> kept;
    for (const SweepWidths& network : sweep.widths) {
      if (network.budget != first.budget) continue;
      kept.push_back({.network = &network, .style = style_of(network.method)});
    }
    figures += figure(cat(heading, ", ", without_folders(first.budget)), kept_widths(sweep, kept));
  }
  return figures;
}

std::string halves_table(const SweepReport& sweep) {
  std::string rows;
  for (const SweepWidths& network : sweep.widths) {
    const HalvesKept halves = halves_kept(sweep, network);
    rows += element("tr",
                    {},
                    element("th", {{"scope", "row"}}, escape(name_of(network))) +
                        element("td", {{"class", "number"}}, escape(as_percent(halves.early))) +
                        element("td", {{"class", "number"}}, escape(as_percent(halves.late))));
  }
  const std::string head =
      element("th", {{"scope", "col"}}, "Network") +
      element(
          "th", {{"scope", "col"}, {"class", "number"}}, "Kept by the first half of the layers") +
      element("th", {{"scope", "col"}, {"class", "number"}}, "By the second");
  return element(
      "div",
      {{"class", "scroll"}},
      element(
          "table", {}, element("thead", {}, element("tr", {}, head)) + element("tbody", {}, rows)));
}

std::string widths(const SweepReport& sweep) {
  if (sweep.widths.empty() || sweep.layers.empty()) return {};
  return section(
      "widths",
      "Learned widths",
      quiet(cat("Of the first seed; ", sweep.layers.size(), " layers from input to output.")) +
          kept_width_figures(sweep) + halves_table(sweep));
}

std::string links(const SweepReport& sweep) {
  std::string items;
  for (const SweepRow& row : sweep.rows) {
    if (row.method != "morphnet" && row.method != "l1") continue;
    const std::string text = cat(row.method,
                                 ", ",
                                 without_folders(row.budget),
                                 ", seed ",
                                 row.seed,
                                 row.inherited ? ", inherited" : "");
    items += element("li", {}, element("a", {{"href", row.folder + "/report.html"}}, escape(text)));
  }
  if (items.empty()) return {};
  return section("runs",
                 "Reports of the runs",
                 element("details",
                         {},
                         element("summary", {}, "What was learned at each point") +
                             element("ul", {{"class", "notes"}}, items)));
}

std::string header(const SweepReport& sweep) {
  std::string items;
  const auto add = [&](const char* name, const std::string& value) {
    if (value.empty()) return;
    items += element("li", {}, element("b", {}, escape(name)) + " " + escape(value));
  };
  add("Data", sweep.data);
  add("Device", sweep.device);
  add("Date", sweep.started);
  add("Results", cat(sweep.rows.size(), " from ", sweep.points, " points"));
  std::string content = element("p", {{"class", "brand"}}, "MorphNet · sweep");
  content += element("h1", {}, escape(sweep.title));
  content += element("ul", {{"class", "origin"}}, items);
  return element("header", {}, content) + "\n";
}

}  // namespace

std::string render_sweep(const SweepReport& sweep) {
  std::string main = curves(sweep) + results(sweep) + failures(sweep) + widths(sweep);
  main += links(sweep);
  main += settings_section({.command = sweep.command, .versions = sweep.versions});
  return html_page(sweep.title, header(sweep) + element("main", {}, main) + "\n");
}

std::string render_sweep_chart(const SweepReport& sweep, const std::string& resource) {
  const TradeOff drawn = trade_off(sweep, resource);
  return draw_lines_alone(drawn.chart, cat(sweep.title, ": ", heading_of(resource)), drawn.legend);
}

}  // namespace morph
