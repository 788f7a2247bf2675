#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

namespace morph {

/// Reads a JSON file. Throws Error naming it if it is not there or not JSON.
nlohmann::json read_json(const std::filesystem::path& path);

/// A place at which two JSON values differ.
struct JsonDifference {
  std::string place = {};  ///< "structure/epochs".
  nlohmann::json before = {};
  nlohmann::json now = {};  ///< Null where there is none.
};

/// The first place, at any depth, at which two objects differ; keys called as in `ignored` may.
std::optional<JsonDifference> first_difference(const nlohmann::json& before,
                                               const nlohmann::json& now,
                                               const std::set<std::string>& ignored = {});

}  // namespace morph
