#include <algorithm>
#include <string>

#include "morph/base/error.h"
#include "morph/report/html.h"
#include "morph/report/layer_bars.h"
#include "morph/report/numbers.h"
#include "morph/report/resources.h"
#include "morph/report/sections.h"
#include "morph/report/svg.h"

namespace morph {
namespace {

int64_t learned_width(const LayerFigures& layer) {
  return is_removed(layer) ? 0 : layer.learned_width;
}

std::string remark(const LayerFigures& layer) {
  const std::string style = bar_style(layer);
  if (style == "removed") return " removed";
  if (layer.expanded_width) return cat(" → ", *layer.expanded_width);
  if (style == "pinned") return " pinned";
  const double share =
      static_cast<double>(layer.learned_width) / static_cast<double>(layer.seed_width);
  return " " + fixed(100 * share, 0) + " %";
}

std::string tip(const LayerFigures& layer) {
  std::string text = layer.name;
  if (!layer.op.empty()) text += " (" + layer.op + ")";
  text += cat("\n", layer.seed_width, " channels in the seed, ", learned_width(layer), " learned");
  if (layer.expanded_width) text += cat(", ", *layer.expanded_width, " expanded");
  if (is_removed(layer)) text += "\nremoved: the layer left the network";
  if (!layer.group.empty()) text += "\ngroup " + layer.group;
  if (!layer.pinned.empty()) text += "\npinned: " + layer.pinned;
  return text;
}

BarRow bar_row(const LayerFigures& layer) {
  BarRow row;
  row.label = layer.name;
  row.figures = cat(learned_width(layer), "/", layer.seed_width);
  row.remark = remark(layer);
  row.tip = tip(layer);
  row.style = bar_style(layer);
  row.seed = static_cast<double>(layer.seed_width);
  row.learned = static_cast<double>(learned_width(layer));
  if (layer.expanded_width) row.expanded = static_cast<double>(*layer.expanded_width);
  return row;
}

std::string key(const std::string& style, const std::string& text) {
  return element("li", {}, element("i", {{"class", "swatch " + style}}, "") + escape(text));
}

bool has_style(const RunReport& run, const std::string& style) {
  return std::any_of(run.layers.begin(), run.layers.end(), [&](const LayerFigures& layer) {
    return bar_style(layer) == style;
  });
}

std::string legend(const RunReport& run) {
  std::string items = key("seed", "seed") + key("learned", "learned");
  const bool expanded =
      std::any_of(run.layers.begin(), run.layers.end(), [](const LayerFigures& layer) {
        return layer.expanded_width.has_value();
      });
  if (expanded) items += key("expanded", "expanded");
  if (has_style(run, "pinned")) items += key("pinned", "pinned: may not change");
  if (has_style(run, "removed")) items += key("removed", "removed");
  return element("ul", {{"class", "legend"}}, items);
}

std::string table_head(const std::vector<std::string>& resources) {
  const auto column = [](const std::string& name, const char* style) {
    return element("th", {{"scope", "col"}, {"class", style}}, escape(name));
  };
  std::string cells = column("Layer", "") + column("Op", "") + column("Group", "");
  cells += column("Seed", "number") + column("Learned", "number") + column("Expanded", "number");
  for (const std::string& resource : resources) {
    cells += column(resource_title(resource) + ", seed", "number");
    cells += column("learned", "number");
  }
  return element("thead", {}, element("tr", {}, cells + column("Pinned", "")));
}

std::string table_row(const LayerFigures& layer, const std::vector<std::string>& resources) {
  const auto number = [](const std::string& text) {
    return element("td", {{"class", "number"}}, escape(text));
  };
  std::string cells = element("th", {{"scope", "row"}}, escape(layer.name));
  cells += element("td", {}, escape(layer.op)) + element("td", {}, escape(layer.group));
  cells += number(cat(layer.seed_width));
  cells += number(is_removed(layer) ? "removed" : cat(layer.learned_width));
  cells += number(layer.expanded_width ? cat(*layer.expanded_width) : "–");
  for (const std::string& resource : resources) {
    cells += number(exact_count(cost_of(layer.seed_cost, resource)));
    cells += number(exact_count(cost_of(layer.learned_cost, resource)));
  }
  return element("tr", {}, cells + element("td", {}, escape(layer.pinned))) + "\n";
}

std::string table(const RunReport& run) {
  const std::vector<std::string> resources = layer_resources(run);
  std::string rows;
  for (const LayerFigures& layer : run.layers) rows += table_row(layer, resources);
  const std::string content = element("caption", {}, "Widths and costs of every layer, exactly.") +
                              table_head(resources) + element("tbody", {}, rows);
  return element(
      "details",
      {},
      element("summary", {}, "All layers as a table") +
          element("div", {{"class", "scroll"}}, element("table", {{"class", "fine"}}, content)));
}

}  // namespace

std::string widths_section(const RunReport& run) {
  if (run.layers.empty()) return section("widths", "Layer widths", quiet("No layers recorded."));
  BarFigure figure;
  figure.label = "Output channels of each layer in the seed and in the learned network.";
  for (const LayerFigures& layer : run.layers) figure.rows.push_back(bar_row(layer));
  std::string content = quiet("Output channels per layer, from input to output.");
  content += legend(run);
  content += draw_bars(figure);
  return section("widths", "Layer widths", content + table(run));
}

}  // namespace morph
