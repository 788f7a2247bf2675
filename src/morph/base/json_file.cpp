#include "morph/base/json_file.h"

#include "morph/base/error.h"
#include "morph/base/file.h"

namespace morph {

nlohmann::json read_json(const std::filesystem::path& path) {
  try {
    return nlohmann::json::parse(read_file(path));
  } catch (const nlohmann::json::exception& e) {
    throw Error(cat("'", path.string(), "' is damaged: ", e.what()));
  }
}

std::optional<JsonDifference> first_difference(const nlohmann::json& before,
                                               const nlohmann::json& now,
                                               const std::set<std::string>& ignored) {
  nlohmann::json places = before.flatten();
  places.update(now.flatten());
  for (const auto& [key, unused] : places.items()) {
    const nlohmann::json::json_pointer place(key);
    if (place.empty() || ignored.contains(place.back())) continue;  // Empty: of an empty object.
    const nlohmann::json there = before.contains(place) ? before.at(place) : nlohmann::json();
    const nlohmann::json here = now.contains(place) ? now.at(place) : nlohmann::json();
    if (there != here) return JsonDifference{key.substr(1), there, here};
  }
  return std::nullopt;
}

}  // namespace morph
