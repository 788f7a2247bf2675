#pragma once

#include <string>
#include <string_view>

namespace morph {

/// Bytes as letters (RFC 4648, section 4), for text files.
std::string to_base64(std::string_view bytes);

/// The bytes again. Throws Error if the text is not what to_base64() writes.
std::string from_base64(std::string_view text);

}  // namespace morph
