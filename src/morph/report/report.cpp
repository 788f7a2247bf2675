#include "morph/report/report.h"

#include "morph/report/assets.h"
#include "morph/report/html.h"
#include "morph/report/sections.h"

namespace morph {
namespace {

/// The browser itself refuses whatever would leave the page, and asks for no icon.
std::string head(const RunReport& run) {
  std::string content = leaf("meta", {{"charset", "utf-8"}});
  content += leaf("meta",
                  {{"http-equiv", "Content-Security-Policy"},
                   {"content",
                    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
                    "img-src data:"}});
  content += leaf("meta", {{"name", "viewport"}, {"content", "width=device-width"}});
  content += leaf("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  content += leaf("link", {{"rel", "icon"}, {"href", "data:,"}});
  content +=
      element("title", {}, escape(run.title.empty() ? "MorphNet" : run.title + " · MorphNet"));
  content += element("style", {}, kReportStyle);
  return element("head", {}, content) + "\n";
}

}  // namespace

std::string render_report(const RunReport& run) {
  std::string main = summary_section(run);
  main += findings_section(run);
  main += widths_section(run);
  main += graph_section(run);
  main += costs_section(run);
  main += curves_section(run);
  main += gates_section(run);
  main += pinned_section(run);
  main += settings_section(run);
  std::string body = header_section(run);
  body += element("main", {}, main) + "\n";
  body += element("script", {}, kReportScript);
  return "<!DOCTYPE html>\n" +
         element("html",
                 {{"lang", "en"}, {"xmlns", "http://www.w3.org/1999/xhtml"}},
                 head(run) + element("body", {}, body)) +
         "\n";
}

}  // namespace morph
