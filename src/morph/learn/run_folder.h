#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

namespace morph {

/// What to do with a folder that holds a run already.
enum class ExistingRun {
  kRefuse,  ///< Throw, so that nobody's results are lost.
  kResume,  ///< Go on with it.
};

/// The folder of one run: its results, and while it goes on a checkpoint of each phase.
class RunFolder {
 public:
  /// Makes the folder. Throws Error if it cannot be written into, holds a run and `existing` says
  /// to refuse, or holds one that has ended and `existing` says to go on.
  RunFolder(std::filesystem::path root, ExistingRun existing);

  /// To be called before the first phase with what the run is asked to do. Throws Error naming the
  /// first thing that differs if the phases in the folder are of a run that was asked for something
  /// else; settings_of_speed() may differ.
  void begin(const nlohmann::json& request) const;

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path file(const std::string& name) const { return root_ / name; }

  /// Where the phase called `name` keeps its checkpoints.
  std::filesystem::path phase(const std::string& name) const;

  /// What a phase that has ended left behind with finish_phase(), or nothing.
  std::optional<nlohmann::json> finished_phase(const std::string& name) const;
  void finish_phase(const std::string& name, const nlohmann::json& outcome) const;

  void write_json(const std::string& name, const nlohmann::json& json) const;

  /// Ends the run: the checkpoints go.
  void remove_phases() const;

 private:
  bool has_phases() const;

  std::filesystem::path root_;
};

}  // namespace morph
