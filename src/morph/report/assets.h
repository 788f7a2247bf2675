#pragma once

#include <string_view>

namespace morph {

extern const std::string_view kReportStyle;   ///< style.css, as it stands.
extern const std::string_view kReportScript;  ///< report.js, as it stands.

}  // namespace morph
