#include "morph/learn/event_writer.h"

#include <algorithm>
#include <chrono>

namespace morph {

std::filesystem::path event_file(const RunFolder& folder, const std::string& phase) {
  return folder.root() / "tensorboard" / phase / "events.out.tfevents.0.morphnet";
}

double wall_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

LogEvent event_of(const EpochReport& report) {
  LogEvent event = {.step = report.epoch};
  event.scalars = {{"loss/train", report.loss},
                   {"loss/test", report.test.loss},
                   {"loss/penalty", report.penalty},
                   {"accuracy/train", report.train_top1},
                   {"accuracy/test", report.test.top1},
                   {"rate", report.learning_rate},
                   {"images_per_second", report.images_per_second}};
  for (const auto& [key, value] : report.extra.items()) {
    std::string tag = key;
    std::ranges::replace(tag, '.', '/');
    if (value.is_number()) event.scalars[tag] = value.get<double>();
  }
  if (report.extra.contains("gates")) {
    event.histograms["gates"] = gates_from_json(report.extra.at("gates"));
  }
  return event;
}

std::map<std::string, HyperParameter> hyper_parameters_of(const nlohmann::json& options) {
  std::map<std::string, HyperParameter> parameters;
  const nlohmann::json flat = options.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    const std::string name = pointer.substr(1);
    if (value.is_boolean()) parameters[name] = value.get<bool>();
    if (value.is_number()) parameters[name] = value.get<double>();
    if (value.is_string()) parameters[name] = value.get<std::string>();
  }
  return parameters;
}

void EventWriter::on_epoch(EpochReport& report) {
  if (!log_) log_.emplace(path_, report.epoch);
  LogEvent event = event_of(report);
  event.wall_time = wall_time();
  log_->add(event);
}

}  // namespace morph
