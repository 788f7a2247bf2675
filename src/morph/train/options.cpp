#include <cmath>
#include <limits>
#include <numbers>

#include "morph/train/trainer.h"

namespace morph {
namespace {

template <typename T>
void expect(bool holds, const char* name, T value, const std::string& range) {
  if (!holds) throw Error(cat(name, " is ", value, ", expected ", range));
}

nlohmann::json finite_or_null(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

double number_at(const nlohmann::json& json, const char* key) {
  const nlohmann::json& value = json.at(key);
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

}  // namespace

void validate(const TrainOptions& options) {
  const TrainOptions& o = options;
  const auto is_size = [](double value) { return std::isfinite(value) && value >= 0; };
  expect(o.epochs >= 1, "epochs", o.epochs, "at least 1");
  expect(o.batch_size >= 2,
         "batch_size",
         o.batch_size,
         "at least 2: BatchNormalization cannot train on one example");
  expect(is_size(o.learning_rate) && o.learning_rate > 0,
         "learning_rate",
         o.learning_rate,
         "a positive number");
  expect(o.final_rate >= 0 && o.final_rate <= 1,
         "final_rate",
         o.final_rate,
         "a share of the peak from 0 to 1");
  expect(o.warmup_epochs >= 0 && o.warmup_epochs <= static_cast<double>(o.epochs),
         "warmup_epochs",
         o.warmup_epochs,
         cat("0 to the number of epochs, ", o.epochs));
  expect(o.momentum >= 0 && o.momentum < 1, "momentum", o.momentum, "0 up to, not including, 1");
  expect(is_size(o.weight_decay), "weight_decay", o.weight_decay, "a number of at least 0");
  expect(o.label_smoothing >= 0 && o.label_smoothing < 1,
         "label_smoothing",
         o.label_smoothing,
         "0 up to, not including, 1");
  expect(o.distillation >= 0 && o.distillation <= 1, "distillation", o.distillation, "0 to 1");
  expect(is_size(o.temperature) && o.temperature > 0,
         "temperature",
         o.temperature,
         "a positive number");
  expect(o.crop_padding >= 0, "crop_padding", o.crop_padding, "at least 0 pixels");
  const int64_t pad_channels = o.pad_channels.value_or(1);
  expect(pad_channels >= 1, "pad_channels", pad_channels, "at least 1");
  expect(o.workers >= 1, "workers", o.workers, "at least 1 thread");
}

nlohmann::json describe(const TrainOptions& options) {
  return {
      {"epochs", options.epochs},
      {"batch_size", options.batch_size},
      {"learning_rate", options.learning_rate},
      {"final_rate", options.final_rate},
      {"warmup_epochs", options.warmup_epochs},
      {"momentum", options.momentum},
      {"weight_decay", options.weight_decay},
      {"decay_scales", options.decay_scales},
      {"label_smoothing", options.label_smoothing},
      {"distillation", options.distillation},
      {"temperature", options.temperature},
      {"crop_padding", options.crop_padding},
      {"flip", options.flip},
      {"mixed_precision", options.mixed_precision},
      {"eager", options.eager},
      {"pad_channels", options.pad_channels ? nlohmann::json(*options.pad_channels) : nullptr},
      {"seed", options.seed},
      {"workers", options.workers},
  };
}

const std::set<std::string>& settings_of_speed() {
  static const std::set<std::string> kNames = {"eager", "pad_channels", "workers"};
  return kNames;
}

double learning_rate_at(const TrainOptions& options, int64_t step, int64_t steps_per_epoch) {
  const double s = static_cast<double>(step);
  const double warmup = options.warmup_epochs * static_cast<double>(steps_per_epoch);
  const double total = static_cast<double>(options.epochs * steps_per_epoch);
  if (s + 1 <= warmup) return options.learning_rate * (s + 1) / warmup;
  if (s <= warmup) return options.learning_rate;
  const double cosine = (1 + std::cos(std::numbers::pi * (s - warmup) / (total - warmup))) / 2;
  return options.learning_rate * (options.final_rate + (1 - options.final_rate) * cosine);
}

nlohmann::json describe(const EpochReport& report) {
  return {
      {"epoch", report.epoch},
      {"epochs", report.epochs},
      {"loss", finite_or_null(report.loss)},
      {"penalty", finite_or_null(report.penalty)},
      {"learning_rate", report.learning_rate},
      {"train_top1", report.train_top1},
      {"test",
       {{"loss", finite_or_null(report.test.loss)},
        {"top1", report.test.top1},
        {"examples", report.test.examples}}},
      {"seconds", report.seconds},
      {"images_per_second", report.images_per_second},
      {"extra", report.extra},
  };
}

EpochReport parse_epoch_report(const nlohmann::json& json) {
  const nlohmann::json& test = json.at("test");
  return {
      .epoch = json.at("epoch"),
      .epochs = json.at("epochs"),
      .loss = number_at(json, "loss"),
      .penalty = number_at(json, "penalty"),
      .learning_rate = json.at("learning_rate"),
      .train_top1 = json.at("train_top1"),
      .test = {.loss = number_at(test, "loss"),
               .top1 = test.at("top1"),
               .examples = test.at("examples")},
      .seconds = json.at("seconds"),
      .images_per_second = json.at("images_per_second"),
      .extra = json.at("extra"),
  };
}

}  // namespace morph
