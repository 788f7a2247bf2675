#include <map>
#include <string>

#include "morph/base/strings.h"
#include "morph/report/html.h"
#include "morph/report/sections.h"

namespace morph {
namespace {

std::string table(const std::string& heading, const std::map<std::string, std::string>& entries) {
  if (entries.empty()) return {};
  std::string rows;
  for (const auto& [name, value] : entries) {
    rows +=
        element("tr",
                {},
                element("th", {{"scope", "row"}}, escape(name)) + element("td", {}, escape(value)));
  }
  const std::string body = element("caption", {}, escape(heading)) + element("tbody", {}, rows);
  return element("div", {{"class", "scroll"}}, element("table", {{"class", "entries"}}, body));
}

/// Each word as a span, because a browser would otherwise break "--data" after its hyphens.
std::string words(const std::string& command) {
  std::string content;
  for (const std::string& word : split(command, ' ')) {
    if (!content.empty()) content += ' ';
    content += element("span", {}, escape(word));
  }
  return content;
}

}  // namespace

std::string settings_section(const RunReport& run) {
  std::string content;
  if (!run.command.empty()) {
    content += element("pre", {{"class", "command"}}, element("code", {}, words(run.command)));
  }
  const std::string tables = table("Settings", run.settings) + table("Versions", run.versions);
  if (!tables.empty()) {
    content += element("details",
                       {},
                       element("summary", {}, "Every setting and version") +
                           element("div", {{"class", "pair"}}, tables));
  }
  if (content.empty()) content = quiet("No settings recorded.");
  return section("settings", "How it was made", content);
}

}  // namespace morph
