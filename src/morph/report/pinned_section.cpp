#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "morph/base/error.h"
#include "morph/report/html.h"
#include "morph/report/sections.h"

namespace morph {
namespace {

struct Reason {
  std::string text;
  std::vector<std::string> layers;
};

/// Deep networks pin dozens of layers for one reason, so a row is a reason.
std::vector<Reason> reasons_of(const RunReport& run) {
  std::vector<Reason> reasons;
  for (const Pinned& pinned : run.pinned) {
    auto found = std::find_if(reasons.begin(), reasons.end(), [&](const Reason& reason) {
      return reason.text == pinned.reason;
    });
    if (found == reasons.end()) {
      reasons.push_back({pinned.reason, {}});
      found = std::prev(reasons.end());
    }
    found->layers.push_back(pinned.layer);
  }
  return reasons;
}

std::string table(const RunReport& run) {
  std::string rows;
  for (const Reason& reason : reasons_of(run)) {
    std::string layers;
    for (const std::string& layer : reason.layers) {
      layers += element("code", {}, escape(layer)) + " ";
    }
    rows += element("tr",
                    {},
                    element("td", {{"class", "names"}}, layers) +
                        element("td", {}, escape(reason.text))) +
            "\n";
  }
  const std::string head = element(
      "thead", {}, element("tr", {}, R"(<th scope="col">Layers</th><th scope="col">Reason</th>)"));
  const std::string caption = element("caption", {}, "Layers whose width may not change, and why.");
  return element("table", {{"class", "pinned"}}, caption + head + element("tbody", {}, rows));
}

std::string notes(const RunReport& run) {
  std::string items;
  for (const std::string& note : run.notes) items += element("li", {}, escape(note));
  return items.empty() ? "" : element("ul", {{"class", "notes"}}, items);
}

}  // namespace

std::string pinned_section(const RunReport& run) {
  std::string content =
      run.pinned.empty() ? quiet("Nothing was pinned: every width could change.") : table(run);
  if (run.pinned.empty() && run.layers.empty()) content = quiet("No layers recorded.");
  return section("pinned", "What was not pruned, and why", content + notes(run));
}

}  // namespace morph
