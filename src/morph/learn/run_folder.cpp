#include "morph/learn/run_folder.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/base/json_file.h"
#include "morph/train/trainer.h"

namespace morph {
namespace {

constexpr const char* kPhases = "phases";
constexpr const char* kOutcome = "outcome.json";
constexpr const char* kRequest = "request.json";

/// Throws Error naming the first key, at any depth, whose value differs.
void check_same_request(const nlohmann::json& ours,
                        const nlohmann::json& theirs,
                        const std::string& folder) {
  const auto difference = first_difference(theirs, ours, settings_of_speed());
  if (!difference) return;
  throw Error(cat("'",
                  folder,
                  "' holds a run with ",
                  difference->place,
                  " = ",
                  difference->before.dump(),
                  ", this one has ",
                  difference->now.dump(),
                  ": go on with the same settings or choose another folder with --out"));
}

}  // namespace

RunFolder::RunFolder(std::filesystem::path root, ExistingRun existing) : root_(std::move(root)) {
  const bool has_ended = std::filesystem::exists(file("run.json"));
  if (has_ended && !has_phases() && existing == ExistingRun::kResume) {
    throw Error(cat("the run in '",
                    root_.string(),
                    "' has ended, there is nothing to go on with; choose another folder with --out "
                    "for a new one"));
  }
  if ((has_ended || has_phases()) && existing == ExistingRun::kRefuse) {
    throw Error(cat("'",
                    root_.string(),
                    "' holds a run already; choose another folder with --out, go on with it by "
                    "--resume, or remove it"));
  }
  make_writable_folder(root_);
}

bool RunFolder::has_phases() const {
  std::error_code none;
  const std::filesystem::directory_iterator entries(root_ / kPhases, none);
  return std::any_of(std::filesystem::begin(entries),
                     std::filesystem::end(entries),
                     [](const auto& e) { return e.is_directory(); });
}

void RunFolder::begin(const nlohmann::json& request) const {
  const std::filesystem::path path = root_ / kPhases / kRequest;
  if (has_phases() && std::filesystem::exists(path)) {
    check_same_request(request, read_json(path), root_.string());
  }
  write_file(path, request.dump(1) + "\n");
}

std::filesystem::path RunFolder::phase(const std::string& name) const {
  return root_ / kPhases / name;
}

std::optional<nlohmann::json> RunFolder::finished_phase(const std::string& name) const {
  const std::filesystem::path path = phase(name) / kOutcome;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return read_json(path);
}

void RunFolder::finish_phase(const std::string& name, const nlohmann::json& outcome) const {
  write_file(phase(name) / kOutcome, outcome.dump(1) + "\n");
}

void RunFolder::write_json(const std::string& name, const nlohmann::json& json) const {
  write_file(file(name), json.dump(1) + "\n");
}

void RunFolder::remove_phases() const {
  std::error_code ignored;
  std::filesystem::remove_all(root_ / kPhases, ignored);
}

}  // namespace morph
