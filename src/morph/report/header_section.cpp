#include <string>
#include <vector>

#include "morph/base/error.h"
#include "morph/report/html.h"
#include "morph/report/numbers.h"
#include "morph/report/resources.h"
#include "morph/report/sections.h"

namespace morph {
namespace {

struct Tile {
  std::string name;
  std::string figure;
  std::string detail;
};

Tile cost_tile(const NetworkFigures& seed,
               const NetworkFigures& learned,
               const std::string& resource) {
  const double before = cost_of(seed.costs, resource);
  const double after = cost_of(learned.costs, resource);
  return {resource_title(resource),
          as_multiple(after / before),
          resource_amount(resource, after) + " of " + resource_amount(resource, before)};
}

Tile accuracy_tile(const NetworkFigures& seed, const NetworkFigures& learned) {
  const double gain = *learned.top1 - *seed.top1;
  return {"Top-1 accuracy",
          fixed(*learned.top1, 2) + " %",
          with_sign(gain, 2) + " points on the seed’s " + fixed(*seed.top1, 2) + " %"};
}

Tile width_tile(const RunReport& run) {
  int64_t before = 0;
  int64_t after = 0;
  int64_t removed = 0;
  for (const LayerFigures& layer : run.layers) {
    before += layer.seed_width;
    after += is_removed(layer) ? 0 : layer.learned_width;
    removed += is_removed(layer) ? 1 : 0;
  }
  const double share = static_cast<double>(after) / static_cast<double>(before);
  std::string detail = cat(
      exact_count(static_cast<double>(after)), " of ", exact_count(static_cast<double>(before)));
  if (removed > 0)
    detail += cat(", ", removed, removed == 1 ? " layer removed" : " layers removed");
  return {"Channels alive", as_percent(share), detail};
}

std::vector<Tile> tiles_of(const RunReport& run) {
  std::vector<Tile> tiles;
  const NetworkFigures* seed = reference_network(run);
  const NetworkFigures* learned = find_network(run, "learned");
  if (seed != nullptr && learned != nullptr) {
    if (seed->top1 && learned->top1) tiles.push_back(accuracy_tile(*seed, *learned));
    for (const std::string& resource : network_resources(run)) {
      if (seed->costs.contains(resource) && learned->costs.contains(resource)) {
        tiles.push_back(cost_tile(*seed, *learned, resource));
      }
    }
  }
  if (!run.layers.empty()) tiles.push_back(width_tile(run));
  return tiles;
}

std::string draw_tiles(const std::vector<Tile>& tiles) {
  std::string content;
  for (const Tile& tile : tiles) {
    std::string inside = element("dt", {}, escape(tile.name));
    inside += element("dd", {{"class", "figure"}}, escape(tile.figure));
    inside += element("dd", {}, escape(tile.detail));
    content += element("div", {}, inside);
  }
  return content.empty() ? "" : element("dl", {{"class", "tiles"}}, content);
}

std::string origin(const RunReport& run) {
  std::string items;
  const auto add = [&](const char* name, const std::string& value) {
    if (value.empty()) return;
    items += element("li", {}, element("b", {}, escape(name)) + " " + escape(value));
  };
  add("Data", run.data);
  add("Budget", run.budget);
  add("Device", run.device);
  add("Started", run.started);
  if (run.seconds) add("Took", duration(*run.seconds));
  return items.empty() ? "" : element("ul", {{"class", "origin"}}, items);
}

std::string links() {
  std::string content;
  const auto add = [&](const char* id, const char* name) {
    content += element("a", {{"href", cat("#", id)}}, name);
  };
  add("summary", "Summary");
  add("findings", "Findings");
  add("widths", "Widths");
  add("network", "Network");
  add("costs", "Cost");
  add("training", "Training");
  add("gates", "Gates");
  add("pinned", "Pinned");
  add("settings", "Settings");
  return element("nav", {{"aria-label", "Sections"}}, content);
}

}  // namespace

std::string header_section(const RunReport& run) {
  std::string content = element("p", {{"class", "brand"}}, "MorphNet · learned structure");
  content += links();
  content += element("h1", {}, escape(run.title.empty() ? "Untitled run" : run.title));
  content += origin(run);
  content += draw_tiles(tiles_of(run));
  return element("header", {}, content) + "\n";
}

}  // namespace morph
