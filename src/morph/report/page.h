#pragma once

#include <string>
#include <string_view>

namespace morph {

/// A whole HTML page in the style of the report, which needs nothing else: style and script are
/// inside, and the browser itself refuses whatever would leave the page. `body` is markup.
std::string html_page(std::string_view title, std::string_view body);

}  // namespace morph
