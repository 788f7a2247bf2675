#include "morph/data/specification.h"

#include <algorithm>
#include <cstdlib>
#include <system_error>

#include "morph/base/error.h"
#include "morph/base/strings.h"

namespace morph {

DataSpecification parse_data_specification(std::string_view text) {
  DataSpecification result{.text = std::string(text)};
  const size_t question = text.find('?');
  const std::string_view place = text.substr(0, question);
  const size_t colon = place.find(':');
  result.name = place.substr(0, colon);
  if (colon != std::string_view::npos) result.path = place.substr(colon + 1);
  if (question == std::string_view::npos) return result;
  for (const std::string& option : split(text.substr(question + 1), '&')) {
    const size_t equals = option.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(cat("data '", text, "': expected key=value after '?', got '", option, "'"));
    }
    if (!result.options.emplace(option.substr(0, equals), option.substr(equals + 1)).second) {
      throw Error(cat("data '", text, "': '", option.substr(0, equals), "' is given twice"));
    }
  }
  return result;
}

void check_data_options(const DataSpecification& specification,
                        std::span<const std::string> known) {
  for (const auto& [key, value] : specification.options) {
    if (std::ranges::find(known, key) != known.end()) continue;
    const std::string choice =
        known.empty() ? " It takes none." : cat(" Known: ", join(known, ", "), ".");
    throw Error(cat("data '",
                    specification.text,
                    "': unknown option '",
                    key,
                    "'.",
                    did_you_mean(key, known),
                    choice));
  }
}

int64_t positive_data_option(const DataSpecification& specification,
                             const std::string& key,
                             int64_t otherwise) {
  const auto option = specification.options.find(key);
  if (option == specification.options.end()) return otherwise;
  const std::string what = cat("data '", specification.text, "': ", key);
  const int64_t value = parse_int(option->second, what);
  if (value < 1) throw Error(cat(what, ": expected at least 1, got ", value));
  return value;
}

std::filesystem::path data_folder(const DataSpecification& specification,
                                  const std::filesystem::path& root,
                                  std::span<const std::string> markers) {
  if (!specification.path.empty()) return root / specification.path;
  if (!root.empty()) return root;
  const char* variable = std::getenv("MORPHNET_DATA");
  if (variable == nullptr || *variable == '\0') return {};
  std::filesystem::path shared = variable;
  for (const std::string& marker : markers) {
    std::error_code code;
    if (std::filesystem::exists(shared / marker, code)) return shared;
  }
  return shared / specification.name;
}

}  // namespace morph
