#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace morph {

/// Splits at every `separator`; "a,,b" has three parts, "" has none.
std::vector<std::string> split(std::string_view text, char separator);

/// The parts with `separator` between them.
std::string join(std::span<const std::string> parts, std::string_view separator);

/// Without blanks at both ends.
std::string_view trim(std::string_view text);

/// Reads all of `text` as a number; throws Error naming `what` ("--epochs") otherwise.
int64_t parse_int(std::string_view text, std::string_view what);
double parse_double(std::string_view text, std::string_view what);

/// A count with an optional suffix: "200k", "1.5M", "2.0G", "350". Throws Error naming `what`.
double parse_count(std::string_view text, std::string_view what);

/// Four significant digits and a suffix, for people: "81.6 M", "1.137 G", "978".
std::string format_count(double value);

/// The entry of `known` with the fewest edits to `word`, or "" if none is near. Case does not
/// count.
std::string closest_match(std::string_view word, std::span<const std::string> known);

/// " Did you mean 'x'?", or "" if nothing known is near.
std::string did_you_mean(std::string_view word, std::span<const std::string> known);

}  // namespace morph
