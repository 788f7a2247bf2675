#include "morph/learn/run_folder.h"

#include <system_error>
#include <utility>

#include "morph/base/error.h"
#include "morph/base/file.h"

namespace morph {
namespace {

constexpr const char* kPhases = "phases";
constexpr const char* kOutcome = "outcome.json";

}  // namespace

RunFolder::RunFolder(std::filesystem::path root, ExistingRun existing) : root_(std::move(root)) {
  const bool has_run =
      std::filesystem::exists(file("run.json")) || std::filesystem::exists(root_ / kPhases);
  if (has_run && existing == ExistingRun::kRefuse) {
    throw Error(cat("'",
                    root_.string(),
                    "' holds a run already; choose another folder with --out, go on with it by "
                    "--resume, or remove it"));
  }
  make_writable_folder(root_);
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

nlohmann::json read_json(const std::filesystem::path& path) {
  try {
    return nlohmann::json::parse(read_file(path));
  } catch (const nlohmann::json::exception& e) {
    throw Error(cat("'", path.string(), "' is damaged: ", e.what()));
  }
}

}  // namespace morph
