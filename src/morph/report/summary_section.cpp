#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "morph/base/error.h"
#include "morph/report/html.h"
#include "morph/report/numbers.h"
#include "morph/report/resources.h"
#include "morph/report/sections.h"

namespace morph {
namespace {

std::string head(const std::vector<std::string>& resources) {
  const auto column = [](const std::string& name) {
    return element("th", {{"scope", "col"}, {"class", "number"}}, escape(name));
  };
  std::string cells = element("th", {{"scope", "col"}}, "Network");
  cells += column("Top-1, %");
  for (const std::string& resource : resources) cells += column(resource_title(resource));
  cells += column("Epochs in all");
  return element("thead", {}, element("tr", {}, cells));
}

std::string small_multiple(double share) {
  return element("small", {}, escape(as_multiple(share)));
}

std::string small(const std::string& text) { return element("small", {}, escape(text)); }

std::string accuracy_cell(const NetworkFigures& network, const NetworkFigures& reference) {
  if (!network.top1) return element("td", {{"class", "number"}, {"data-label", "Top-1, %"}}, "–");
  std::string content = escape(fixed(*network.top1, 2));
  if (&network == &reference) {
    content += small("reference");
  } else if (reference.top1) {
    content += small(with_sign(*network.top1 - *reference.top1, 2) + " points");
  }
  return element("td", {{"class", "number"}, {"data-label", "Top-1, %"}}, content);
}

double largest(const RunReport& run, const std::string& resource) {
  double most = 0;
  for (const NetworkFigures& network : run.networks) {
    const double cost = cost_of(network.costs, resource);
    if (std::isfinite(cost)) most = std::max(most, cost);
  }
  return most;
}

/// The bar under the figure is as long as the share of the most expensive network.
std::string meter(double share) {
  const std::string width = cat("width:", percent_coordinate(share));
  return element("i", {{"class", "meter"}}, element("i", {{"style", width}}, ""));
}

std::string cost_cell(const RunReport& run,
                      const NetworkFigures& network,
                      const std::string& resource) {
  const double cost = cost_of(network.costs, resource);
  if (!std::isfinite(cost))
    return element("td", {{"class", "number"}, {"data-label", resource_title(resource)}}, "–");
  const double reference = cost_of(reference_network(run)->costs, resource);
  std::string content = escape(resource_amount(resource, cost));
  if (reference > 0) content += small(as_multiple(cost / reference));
  const double most = largest(run, resource);
  if (most > 0) content += meter(cost / most);
  const std::string exact = cat(exact_count(cost), " ", resource_noun(resource));
  return element("td",
                 {{"class", "number"}, {"data-label", resource_title(resource)}, {"title", exact}},
                 content);
}

std::string row(const RunReport& run,
                const NetworkFigures& network,
                const std::vector<std::string>& resources) {
  std::string name = escape(network.name);
  if (!network.note.empty()) name += small(network.note);
  std::string cells = element("th", {{"scope", "row"}}, name);
  cells += accuracy_cell(network, *reference_network(run));
  for (const std::string& resource : resources) cells += cost_cell(run, network, resource);
  cells +=
      element("td", {{"class", "number"}, {"data-label", "Epochs in all"}}, cat(network.epochs));
  return element("tr", {{"class", network.name == "learned" ? "result" : "other"}}, cells) + "\n";
}

std::string table(const RunReport& run) {
  const std::vector<std::string> resources = network_resources(run);
  std::string rows;
  for (const NetworkFigures& network : run.networks) rows += row(run, network, resources);
  const std::string caption =
      "Cost and test accuracy of each network; small figures compare it with " +
      (find_network(run, "seed") == nullptr ? "the first network" : std::string("the seed")) + ".";
  const std::string content =
      element("caption", {}, escape(caption)) + head(resources) + element("tbody", {}, rows);
  return element("div", {{"class", "scroll"}}, element("table", {{"class", "networks"}}, content));
}

/// Each row a resource, each column a network: more than fits the rows of the first table.
std::string resource_table(const RunReport& run) {
  std::set<std::string> known;
  std::string columns = element("th", {{"scope", "col"}}, "Resource");
  for (const NetworkFigures& network : run.networks) {
    for (const auto& [resource, amount] : network.resources) known.insert(resource);
    columns += element("th", {{"scope", "col"}, {"class", "number"}}, escape(network.name));
  }
  if (known.empty()) return {};
  std::string rows;
  for (const std::string& resource : known) {
    std::string cells = element("th", {{"scope", "row"}}, escape(resource));
    const double reference = cost_of(reference_network(run)->resources, resource);
    for (const NetworkFigures& network : run.networks) {
      const double amount = cost_of(network.resources, resource);
      const std::string text =
          resource_amount(resource, amount) + small_multiple(amount / reference);
      cells += element("td", {{"class", "number"}, {"title", exact_count(amount)}}, text);
    }
    rows += element("tr", {}, cells) + "\n";
  }
  const std::string content =
      element("thead", {}, element("tr", {}, columns)) + element("tbody", {}, rows);
  return element(
      "details",
      {},
      element("summary", {}, "All resources, latency by the roofline model") +
          element("div", {{"class", "scroll"}}, element("table", {{"class", "fine"}}, content)));
}

std::string equivalence(const RunReport& run) {
  if (!run.equivalence) return {};
  constexpr double kAgree = 1e-5;
  const bool agrees = *run.equivalence <= kAgree;
  const std::string figure = element("b", {}, escape(scientific(*run.equivalence)));
  const std::string verdict = agrees ? "✓ The shrunk network computes what the masked one did: "
                                     : "✕ The shrunk network differs from the masked one: ";
  return element("p",
                 {{"class", agrees ? "check" : "check failed"}},
                 escape(verdict) + "largest relative difference of their outputs " + figure +
                     ", limit 1e-05.");
}

}  // namespace

std::string summary_section(const RunReport& run) {
  std::string content =
      run.networks.empty() ? quiet("No network of this run has been measured yet.") : table(run);
  return section("summary", "Summary", content + equivalence(run) + resource_table(run));
}

}  // namespace morph
