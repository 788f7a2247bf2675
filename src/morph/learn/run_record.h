#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "morph/learn/learn.h"
#include "morph/report/report.h"

namespace morph {

/// What a run was asked to do and where it ran, for its record.
struct RunContext {
  std::string title = {};    ///< "resnet8 on fashion-mnist".
  std::string command = {};  ///< As typed.
  std::string started = {};  ///< ISO 8601.
  double seconds = 0;        ///< Wall time of the whole run.
  std::string device = {};
  std::map<std::string, std::string> versions = {};
};

/// The run as the report shows it.
RunReport make_run_report(const RunContext& context,
                          const LearnOptions& options,
                          const LearnResult& result);

/// run.json: the report's figures, and beside them
///   "result": {"seed": {"top1", "flops", "params", …}, "learned": {…}, …}, "equivalence",
///   "options", "constants", "epochs" of every phase.
nlohmann::json make_run_json(const RunReport& report,
                             const LearnOptions& options,
                             const LearnResult& result);

/// Layers whose width may not change, and why; "" for what is free.
std::vector<Pinned> list_pinned(const Graph& graph, const ChannelScope& scope);

/// A table of the networks of a run for the terminal: FLOPs, parameters, accuracy, epochs.
std::string format_summary(const RunReport& report);

}  // namespace morph
