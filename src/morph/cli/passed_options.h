#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace morph {

/// The options of another command, taken by this one to be handed on to it as they stand. So
/// whoever starts `learn` and `train` need not know their options one by one.
class PassedOptions {
 public:
  /// Adds to `to` every option of the command `from` that is not in `own` ("--out") and that `to`
  /// does not have yet, with its help. Values are checked by commands that get them.
  void add_to(CLI::App& to, const CLI::App& from, const std::set<std::string>& own);

  /// What the user gave, as arguments of `command`, which may know only some of them:
  /// {"--gate=gamma", "--no-flip"}.
  std::vector<std::string> arguments_for(const CLI::App& command) const;

  /// The values given to one of the options; none if it was not given.
  std::vector<std::string> values(const std::string& name) const;

  /// What the user gave, by name.
  std::map<std::string, std::vector<std::string>> given() const;

 private:
  std::map<std::string, std::vector<std::string>> values_;
  std::map<std::string, bool> flags_;
};

}  // namespace morph
