#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "morph/data/dataset.h"

namespace morph {

/// The parts of "NAME:PATH?key=value&key=value"; path and options may be missing.
struct DataSpecification {
  std::string text = {};  ///< All of it, for messages.
  std::string name = {};
  std::filesystem::path path = {};
  std::map<std::string, std::string> options = {};
};

/// Takes a specification apart. Throws Error if an option is not of the form key=value or is given
/// twice.
DataSpecification parse_data_specification(std::string_view text);

/// Throws Error naming the first option that is not in `known`, with the nearest known one.
void check_data_options(const DataSpecification& specification, std::span<const std::string> known);

/// The option as a number of at least 1, or `otherwise` if it is not given. Throws Error naming it.
int64_t positive_data_option(const DataSpecification& specification,
                             const std::string& key,
                             int64_t otherwise);

/// Where the user says a data set is: DataOptions::root joined with the specification's path; if
/// both are empty, $MORPHNET_DATA if it holds one of the files or folders `markers`, else
/// $MORPHNET_DATA/NAME; empty if there is no such variable.
std::filesystem::path data_folder(const DataSpecification& specification,
                                  const std::filesystem::path& root,
                                  std::span<const std::string> markers);

}  // namespace morph
