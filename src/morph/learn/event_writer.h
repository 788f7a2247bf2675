#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "morph/learn/run_folder.h"
#include "morph/report/event_log.h"
#include "morph/train/trainer.h"

namespace morph {

/// Where TensorBoard finds the events of one stretch of a run, which it shows as a run of its own.
std::filesystem::path event_file(const RunFolder& folder, const std::string& phase);

/// Seconds since 1970.
double wall_time();

/// The figures of an epoch by tag: "loss/train", "accuracy/test", "rate", "cost/flops", …
LogEvent event_of(const EpochReport& report);

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
