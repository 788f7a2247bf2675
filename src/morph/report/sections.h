#pragma once

#include <string>

#include "morph/report/report.h"

namespace morph {

// The parts of the page from top to bottom, each as markup. All of them say so in a sentence when
// the run has nothing for them.

std::string header_section(const RunReport& run);   ///< Title, origin, the result in a few tiles.
std::string summary_section(const RunReport& run);  ///< Table: each network's costs and accuracy.
std::string findings_section(
    const RunReport& run);  ///< Lists: bottlenecks, over-parameterised layers.
std::string widths_section(const RunReport& run);  ///< Figure and table: width of each layer.
std::string graph_section(const RunReport& run);   ///< Drawing: the network, removed parts faint.
std::string costs_section(const RunReport& run);   ///< Figure per resource: share of each layer.
std::string curves_section(const RunReport& run);  ///< Accuracy, loss, cost and strength by epoch.
std::string gates_section(const RunReport& run);   ///< Heat strip: sizes of the gates by epoch.
std::string pinned_section(const RunReport& run);  ///< Table: what was pinned and why; notes.
std::string settings_section(const RunReport& run);  ///< Command, settings, versions.

}  // namespace morph
