#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "morph/learn/run_folder.h"
#include "morph/report/event_log.h"
#include "morph/train/trainer.h"

namespace morph {

/// Where TensorBoard finds the events of one stretch of a run, which it shows as a run of its own;
/// of no stretch, "", what holds for all of them.
std::filesystem::path event_file(const RunFolder& folder, const std::string& phase);

/// Seconds since 1970.
double wall_time();

/// The figures of an epoch by tag: "loss/train", "accuracy/test", "rate", "cost/flops", …
LogEvent event_of(const EpochReport& report);

/// The options of a run, nested as "structure/learning_rate" and "budgets/0". What is null or empty
/// is left out.
std::map<std::string, HyperParameter> hyper_parameters_of(const nlohmann::json& options);

/// Writes an event for each epoch. A run that goes on replaces the events of epochs that it runs
/// again, so the file is as if it had never been interrupted.
class EventWriter final : public Callback {
 public:
  explicit EventWriter(std::filesystem::path path) : path_(std::move(path)) {}

  void on_epoch(EpochReport& report) override;

 private:
  std::filesystem::path path_;
  std::optional<EventLog> log_;
};

}  // namespace morph
