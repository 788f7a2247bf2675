#include "morph/report/page.h"

#include "morph/base/error.h"
#include "morph/report/assets.h"
#include "morph/report/html.h"

namespace morph {
namespace {

/// The browser refuses whatever would leave the page, and asks for no icon.
std::string head(std::string_view title) {
  std::string content = leaf("meta", {{"charset", "utf-8"}});
  content += leaf("meta",
                  {{"http-equiv", "Content-Security-Policy"},
                   {"content",
                    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
                    "img-src data:"}});
  content += leaf("meta", {{"name", "viewport"}, {"content", "width=device-width"}});
  content += leaf("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  content += leaf("link", {{"rel", "icon"}, {"href", "data:,"}});
  content += element("title", {}, escape(title.empty() ? "MorphNet" : cat(title, " · MorphNet")));
  content += element("style", {}, kReportStyle);
  return element("head", {}, content) + "\n";
}

}  // namespace

std::string html_page(std::string_view title, std::string_view body) {
  const std::string content = cat(body, element("script", {}, kReportScript));
  return "<!DOCTYPE html>\n" +
         element("html",
                 {{"lang", "en"}, {"xmlns", "http://www.w3.org/1999/xhtml"}},
                 head(title) + element("body", {}, content)) +
         "\n";
}

}  // namespace morph
