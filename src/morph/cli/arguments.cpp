#include "morph/cli/arguments.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <thread>

#include <CLI/CLI.hpp>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/checkpoint/onnx_file.h"
#include "morph/checkpoint/weights_file.h"
#include "morph/ops/opaque.h"
#include "morph/zoo/zoo.h"

namespace morph {
namespace {

/// Measured on ResNet-20 (docs/recipes.md): half did better than nine tenths.
constexpr double kTeachersWeight = 0.5;

constexpr std::string_view kZooPrefix = "zoo:";

bool is_zoo(const std::string& argument) { return argument.rfind(kZooPrefix, 0) == 0; }

/// "dir/x.onnx" for "dir/x.onnx?input=3x32x32".
std::string file_name(const std::string& argument) {
  return argument.substr(0, argument.find('?'));
}

/// "input=3x32x32" or "ties=keep".
onnx::ImportOptions with_option(const std::string& argument,
                                const std::string& option,
                                onnx::ImportOptions options) {
  const std::string key = option.substr(0, option.find('='));
  const std::string value = option.substr(std::min(key.size() + 1, option.size()));
  if (key == "input") {
    for (const std::string& size : split(value, 'x')) {
      options.input.push_back(parse_int(size, "?input="));
      if (options.input.back() < 1) throw Error(cat("'", argument, "': sizes must be at least 1"));
    }
  } else if (option == "ties=keep") {
    options.ties = onnx::Ties::kKeep;
  } else {
    throw Error(cat("'", argument, "': X.onnx takes ?input=3x224x224 and ?ties=keep"));
  }
  return options;
}

/// A file, and for ONNX how it is read.
Network read_file_network(const std::string& argument, onnx::ImportOptions options) {
  const std::string file = file_name(argument);
  if (std::filesystem::path(file).extension() != ".onnx") {
    if (file == argument) return read_network(file);
    throw Error(cat("'", argument, "': only X.onnx takes options"));
  }
  if (file == argument) return read_onnx_network(file, options);
  for (const std::string& option : split(argument.substr(file.size() + 1), '&')) {
    options = with_option(argument, option, std::move(options));
  }
  return read_onnx_network(file, options);
}

std::string data_help() {
  std::string text = "Data set:";
  for (const DataName& entry : data_names())
    text += cat("\n  ", entry.name, ": ", entry.description);
  return text;
}

}  // namespace

Network load_network(const std::string& argument,
                     const DataSplits* data,
                     const onnx::ImportOptions& onnx) {
  if (is_zoo(argument)) {
    std::optional<zoo::Task> task;
    if (data != nullptr) {
      const ImageShape image = data->train->shape();
      task = {.classes = static_cast<int64_t>(data->train->classes().size()),
              .input = {image.channels, image.height, image.width}};
    }
    return {.graph = zoo::build(argument, task)};
  }
  if (is_network_file(file_name(argument))) return read_file_network(argument, onnx);
  std::vector<std::string> known;
  for (const zoo::Entry& entry : zoo::networks()) known.push_back(entry.name);
  const std::string near = closest_match(argument, known);
  throw Error(cat("'",
                  argument,
                  "' is neither zoo:NAME nor a file X.morph or X.onnx",
                  near.empty() ? "" : cat("; did you mean zoo:", near, "?")));
}

bool is_onnx_file(const std::string& argument) {
  return !is_zoo(argument) && std::filesystem::path(file_name(argument)).extension() == ".onnx";
}

std::string network_name(const std::string& argument) {
  if (!is_zoo(argument)) return std::filesystem::path(file_name(argument)).stem().string();
  const std::string name = argument.substr(kZooPrefix.size());
  return name.substr(0, name.find('?'));
}

void NetworkArgument::add_to(CLI::App& command) {
  command.add_option("NET", name, "zoo:NAME, X.morph or X.onnx")->required();
  command
      .add_option("--weights",
                  weights,
                  "Its weights, by name, e.g. torchvision's; X.morph has its own beside it")
      ->type_name("FILE.safetensors");
}

void NetworkArgument::add_opaque_to(CLI::App& command) {
  command.add_flag("--allow-opaque",
                   allows_opaque,
                   "Pass ops of X.onnx that are not known through untouched: what they read and "
                   "make keeps its channels");
}

Network NetworkArgument::load(const DataSplits* data) const {
  using onnx::UnknownOps;
  Network network = load_network(
      name, data, {.unknown_ops = allows_opaque ? UnknownOps::kPassThrough : UnknownOps::kRefuse});
  const auto opaque = std::ranges::count_if(network.graph.nodes(), is_opaque);
  if (opaque > 0) {
    std::cerr << "warning: " << opaque << " values are made by ops that are not known; they cannot "
              << "be run, and are counted as free of cost\n";
  }
  if (weights.empty()) return network;
  const std::string passed_over = is_zoo(name) ? zoo::find_network(name).training_only : "";
  network.params = read_weights(weights, network.graph, passed_over);
  return network;
}

void DataArguments::add_to(CLI::App& command) {
  command.add_option("--data", specification, data_help())->required()->type_name("DATA");
  command.add_option("--image-size", image_size, "For folder:DIR: height and width of the images")
      ->capture_default_str()
      ->group("Data");
}

DataSplits DataArguments::open(uint64_t seed) const {
  return open_data(specification, {.image_size = image_size, .seed = seed});
}

void TrainArguments::add_to(CLI::App& command) {
  const char* group = "Training";
  command.add_option("--batch-size", options.batch_size, "Examples in a step")
      ->capture_default_str()
      ->group(group);
  command.add_option("--learning-rate", options.learning_rate, "At the peak of the schedule")
      ->capture_default_str()
      ->group(group);
  command
      .add_option(
          "--warmup-epochs", warmup, "Linear warm-up (default: 15 % of the epochs, at most 5)")
      ->group(group);
  command
      .add_option("--weight-decay",
                  options.weight_decay,
                  "On every parameter (but see --decay-gates of learn)")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--label-smoothing",
                  options.label_smoothing,
                  "Share of the target spread over all classes")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--crop-padding",
                  crop,
                  "Pad by this, then crop at random (default: 4 with 3 channels, else 0)")
      ->group(group);
  command.add_flag("--no-flip", no_flip, "Do not mirror images at random")->group(group);
  command.add_flag("--full-precision", full_precision, "No bf16 on a GPU")->group(group);
  command
      .add_option(
          "--pad-channels",
          options.pad_channels,
          "While training, widths are padded with zeros to multiples of this, which changes "
          "nothing but the speed; 1 for never (default: 8, but 1 in full precision on a GPU)")
      ->group(group);
  command.add_flag("--eager", options.eager, "On a GPU, do not record the step as a CUDA graph")
      ->group(group);
  command.add_option("--workers", workers, "Threads that prepare batches")->group(group);
  command.add_option("--seed", options.seed, "Of weights, order and augmentation")
      ->capture_default_str();
  command.add_option("--device", device, "cpu, cuda or cuda:N")->capture_default_str();
  command.add_option("--out", out, "Folder of the run (default: runs/COMMAND-NETWORK)")
      ->type_name("DIR");
  command.add_flag("--resume", resume, "Go on with the run in --out");
  command.add_flag("--tensorboard",
                   tensorboard,
                   "Write events as the run goes: tensorboard --logdir DIR/tensorboard");
}

TrainOptions TrainArguments::resolve(int64_t epochs, const DataSplits& data) const {
  TrainOptions result = options;
  const bool on_gpu = device != "cpu";
  result.epochs = epochs;
  result.warmup_epochs = warmup.value_or(std::min(5.0, 0.15 * static_cast<double>(epochs)));
  result.crop_padding = crop.value_or(data.train->shape().channels == 3 ? 4 : 0);
  result.flip = !no_flip;
  result.mixed_precision = on_gpu && !full_precision;
  const auto cores = static_cast<int64_t>(std::thread::hardware_concurrency());
  result.workers = workers.value_or(on_gpu ? std::clamp<int64_t>(cores - 2, 1, 8) : 1);
  return result;
}

void TeacherArguments::add_to(CLI::App& command, const std::string& usual) {
  const char* group = "Teaching";
  command
      .add_option("--distill",
                  distill,
                  "Learn from a teacher, too: the weight of its word beside the labels', 0 to 1, "
                  "and the temperature (default: 0.5,4 where there is one)")
      ->type_name("WEIGHT[,T]")
      ->group(group);
  command.add_option("--teacher", network, cat("The network that teaches", usual))
      ->type_name("NET")
      ->group(group);
}

bool TeacherArguments::is_wanted() const {
  return distill.empty() ? !network.empty() : apply({}, false).distillation > 0;
}

TrainOptions TeacherArguments::apply(TrainOptions options, bool by_default) const {
  if (distill.empty()) {
    options.distillation = is_wanted() || by_default ? kTeachersWeight : 0;
    return options;
  }
  const std::vector<std::string> parts = split(distill, ',');
  if (parts.size() > 2) {
    throw Error(cat(
        "--distill: expected WEIGHT or WEIGHT,TEMPERATURE, such as 0.5,4, got '", distill, "'"));
  }
  options.distillation = parse_double(parts.front(), "--distill");
  if (parts.size() == 2) options.temperature = parse_double(parts.back(), "--distill");
  return options;
}

std::optional<Network> TeacherArguments::load(const DataSplits& data) const {
  if (network.empty()) return std::nullopt;
  if (!is_wanted()) {
    throw Error(cat("--teacher: '",
                    network,
                    "' has no say with --distill 0; leave one of the two options out"));
  }
  Network teacher = load_network(network, &data);
  if (!teacher.params) {
    throw Error(cat("--teacher: '", network, "' has no weights, so it has nothing to teach"));
  }
  return teacher;
}

}  // namespace morph
