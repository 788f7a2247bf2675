#include <filesystem>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/base/json_file.h"
#include "morph/cli/commands.h"
#include "morph/learn/run_record.h"
#include "morph/report/report.h"

namespace morph {
namespace {

RunReport read_report(const std::filesystem::path& path) {
  const nlohmann::json json = read_json(path);
  if (!json.is_object() || !json.contains("format") || json.at("format") != "morphnet-run") {
    throw Error(cat("'", path.string(), "' is not the record of a run of `morphnet learn`"));
  }
  try {
    return report_from_json(json);
  } catch (const Error& error) {
    throw Error(cat("'", path.string(), "': ", error.what()));
  }
}

}  // namespace

void add_report(CLI::App& app) {
  auto folder = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("report", "Render report.html of a run again, from its run.json");
  command->add_option("DIR", *folder, "Folder of the run")->required();
  command->callback([folder] {
    const std::filesystem::path root = *folder;
    if (!std::filesystem::exists(root / "run.json")) {
      throw Error(
          cat("'", *folder, "' holds no run.json; give the --out folder of a run that ended"));
    }
    const RunReport report = read_report(root / "run.json");
    write_file(root / "report.html", render_report(report));
    std::cout << format_summary(report) << (root / "report.html").string() << "\n";
  });
}

}  // namespace morph
