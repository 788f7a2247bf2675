#include "morph/report/html.h"

namespace morph {
namespace {

std::string open_tag(std::string_view tag, std::initializer_list<Attribute> attributes) {
  std::string text = "<";
  text += tag;
  for (const Attribute& attribute : attributes) {
    text += ' ';
    text += attribute.name;
    text += "=\"";
    text += escape(attribute.value);
    text += '"';
  }
  return text;
}

bool is_forbidden(char letter) {
  return static_cast<unsigned char>(letter) < 0x20 && letter != '\t' && letter != '\n' &&
         letter != '\r';
}

}  // namespace

std::string escape(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (const char letter : text) {
    switch (letter) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        if (is_forbidden(letter)) {
          safe += "\xEF\xBF\xBD";
        } else {
          safe += letter;
        }
    }
  }
  return safe;
}

std::string element(std::string_view tag,
                    std::initializer_list<Attribute> attributes,
                    std::string_view content) {
  std::string text = open_tag(tag, attributes);
  text += '>';
  text += content;
  text += "</";
  text += tag;
  text += '>';
  return text;
}

std::string leaf(std::string_view tag, std::initializer_list<Attribute> attributes) {
  return open_tag(tag, attributes) + "/>";
}

std::string section(std::string_view id, std::string_view heading, std::string_view content) {
  std::string inside = element("h2", {}, escape(heading));
  inside += content;
  return element("section", {{"id", std::string(id)}}, inside) + "\n";
}

std::string quiet(std::string_view text) {
  return element("p", {{"class", "quiet"}}, escape(text));
}

}  // namespace morph
