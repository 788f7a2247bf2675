#include "morph/cli/passed_options.h"

#include <CLI/CLI.hpp>

namespace morph {
namespace {

bool is_flag(const CLI::Option& option) { return option.get_items_expected_max() == 0; }

}  // namespace

void PassedOptions::add_to(CLI::App& to, const CLI::App& from, const std::set<std::string>& own) {
  for (const CLI::Option* option : from.get_options()) {
    if (option->get_lnames().empty()) continue;
    const std::string name = "--" + option->get_lnames().front();
    if (own.contains(name) || to.get_option_no_throw(name) != nullptr) continue;
    if (is_flag(*option)) {
      to.add_flag(name, flags_[name], option->get_description())->group(option->get_group());
      continue;
    }
    CLI::Option* added = to.add_option(name, values_[name], option->get_description());
    added->type_name(option->get_type_name())->default_str(option->get_default_str());
    added->group(option->get_group());
    added->expected(1, option->get_items_expected_max())->allow_extra_args(false);
  }
}

std::vector<std::string> PassedOptions::arguments_for(const CLI::App& command) const {
  std::vector<std::string> arguments;
  for (const auto& [name, values] : given()) {
    if (command.get_option_no_throw(name) == nullptr) continue;
    if (values.empty()) arguments.push_back(name);
    for (const std::string& value : values) arguments.push_back(name + "=" + value);
  }
  return arguments;
}

std::vector<std::string> PassedOptions::values(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

std::map<std::string, std::vector<std::string>> PassedOptions::given() const {
  std::map<std::string, std::vector<std::string>> result;
  for (const auto& [name, values] : values_) {
    if (!values.empty()) result[name] = values;
  }
  for (const auto& [name, is_given] : flags_) {
    if (is_given) result[name] = {};
  }
  return result;
}

}  // namespace morph
