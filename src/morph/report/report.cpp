#include "morph/report/report.h"

#include "morph/report/html.h"
#include "morph/report/page.h"
#include "morph/report/sections.h"

namespace morph {

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
  return html_page(run.title, header_section(run) + element("main", {}, main) + "\n");
}

}  // namespace morph
