#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace morph {

/// `text` such that a browser shows it letter by letter, in an element or in a quoted attribute, in
/// HTML and in XML. Control characters that XML forbids become U+FFFD.
std::string escape(std::string_view text);

/// A name and a value within a tag.
struct Attribute {
  std::string_view name;
  std::string value;  ///< Plain text: escaped when written.
};

/// `<tag name="value">content</tag>`. `content` is markup: text must have gone through escape().
std::string element(std::string_view tag,
                    std::initializer_list<Attribute> attributes,
                    std::string_view content);

/// `<tag name="value"/>`, for elements that never have content: meta, input, and SVG's shapes.
std::string leaf(std::string_view tag, std::initializer_list<Attribute> attributes);

/// A `<section>` with heading; `id` is its anchor, `content` markup.
std::string section(std::string_view id, std::string_view heading, std::string_view content);

/// A paragraph in quiet grey, for what is absent and for captions. `text` is plain.
std::string quiet(std::string_view text);

}  // namespace morph
