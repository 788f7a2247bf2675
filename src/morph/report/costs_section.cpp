#include <cmath>
#include <string>

#include "morph/base/error.h"
#include "morph/report/html.h"
#include "morph/report/layer_bars.h"
#include "morph/report/numbers.h"
#include "morph/report/resources.h"
#include "morph/report/sections.h"

namespace morph {
namespace {

double finite_or_zero(double value) { return std::isfinite(value) ? value : 0; }

double seed_total(const RunReport& run, const std::string& resource) {
  double total = 0;
  for (const LayerFigures& layer : run.layers) {
    total += finite_or_zero(cost_of(layer.seed_cost, resource));
  }
  return total;
}

BarRow bar_row(const LayerFigures& layer, const std::string& resource, double total) {
  const double seed = finite_or_zero(cost_of(layer.seed_cost, resource));
  const double learned = finite_or_zero(cost_of(layer.learned_cost, resource));
  BarRow row;
  row.label = layer.name;
  row.seed = 100 * seed / total;
  row.learned = 100 * learned / total;
  row.style = learned > 0 ? "free" : "removed";
  row.figures = fixed(row.learned, 1) + "%";
  row.remark = " of " + fixed(row.seed, 1) + "%";
  row.tip = cat(layer.name,
                "\n",
                resource_title(resource),
                " in the seed: ",
                resource_amount(resource, seed),
                ", ",
                as_percent(seed / total),
                " of the seed\nlearned: ",
                resource_amount(resource, learned),
                ", ",
                as_percent(learned / total),
                " of the seed");
  return row;
}

std::string figure_for(const RunReport& run, const std::string& resource) {
  const double total = seed_total(run, resource);
  if (total <= 0) return quiet("The layers of the seed cost nothing of this resource.");
  BarFigure figure;
  figure.label = resource_title(resource) +
                 " of each layer in the seed and in the learned network, as share of the seed.";
  figure.unit = "%";
  double learned = 0;
  for (const LayerFigures& layer : run.layers) {
    const BarRow row = bar_row(layer, resource, total);
    if (row.seed > 0 || row.learned > 0) figure.rows.push_back(row);
    learned += row.learned;
  }
  return quiet(cat("Share of the seed’s ",
                   resource_amount(resource, total),
                   " ",
                   resource_noun(resource),
                   ". All layers together: ",
                   as_percent(learned / 100),
                   " is left.")) +
         draw_bars(figure);
}

/// Radio buttons, labels and panels in turn: style.css shows the panel after the chosen button, so
/// no script is needed.
std::string choice(const RunReport& run, const std::string& resource, size_t index) {
  const std::string id = cat("resource-", index);
  std::string button;
  if (index == 0) {
    button = leaf("input",
                  {{"type", "radio"}, {"name", "resource"}, {"id", id}, {"checked", "checked"}});
  } else {
    button = leaf("input", {{"type", "radio"}, {"name", "resource"}, {"id", id}});
  }
  button += element("label", {{"for", id}}, escape(resource_title(resource)));
  const std::string heading =
      element("h3", {{"class", "printed"}}, escape(resource_title(resource)));
  return button + element("div", {{"class", "panel"}}, heading + figure_for(run, resource)) + "\n";
}

}  // namespace

std::string costs_section(const RunReport& run) {
  const std::vector<std::string> resources = layer_resources(run);
  if (resources.empty()) {
    return section("costs", "Cost of each layer", quiet("No costs recorded."));
  }
  std::string choices;
  for (size_t i = 0; i < resources.size(); ++i) choices += choice(run, resources[i], i);
  return section("costs", "Cost of each layer", element("div", {{"class", "choices"}}, choices));
}

}  // namespace morph
