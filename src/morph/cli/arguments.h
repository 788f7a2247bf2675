#pragma once

#include <optional>
#include <string>
#include <vector>

#include "morph/checkpoint/network_file.h"
#include "morph/data/dataset.h"
#include "morph/onnx/import.h"
#include "morph/train/trainer.h"

namespace CLI {
class App;
}

namespace morph {

/// Loads what the argument NET names. A network of the zoo takes its classes and image size from
/// `data`, where it does not say them itself; an ONNX file is read with `onnx`, and its own
/// options. Throws Error for anything else, with what NET may be.
Network load_network(const std::string& argument,
                     const DataSplits* data = nullptr,
                     const onnx::ImportOptions& onnx = {});

/// Whether the argument NET names an ONNX file.
bool is_onnx_file(const std::string& argument);

/// "resnet8" for "zoo:resnet8?width=0.5", "model" for "dir/model.morph".
std::string network_name(const std::string& argument);

/// The argument NET, and --weights for it.
struct NetworkArgument {
  std::string name = {};
  std::string weights = {};
  bool allows_opaque = false;

  void add_to(CLI::App& command);

  /// --allow-opaque, for a command that does not have to run the network.
  void add_opaque_to(CLI::App& command);

  /// As load_network(), with the weights that were asked for. What is not known of it is said on
  /// standard error.
  Network load(const DataSplits* data = nullptr) const;
};

/// The argument --data and what goes with it.
struct DataArguments {
  std::string specification = {};
  int64_t image_size = 32;

  void add_to(CLI::App& command);
  DataSplits open(uint64_t seed) const;
};

/// The flags of everything that trains.
struct TrainArguments {
  TrainOptions options = {};
  std::optional<double> warmup = {};
  std::optional<int64_t> crop = {};
  std::optional<int64_t> workers = {};
  bool no_flip = false;
  bool full_precision = false;
  std::string device = "cpu";
  std::string out = {};
  bool resume = false;
  bool tensorboard = false;

  void add_to(CLI::App& command);

  /// The options for a run of `epochs` on this data; what the user left open gets its default.
  TrainOptions resolve(int64_t epochs, const DataSplits& data) const;
};

/// --distill and --teacher: a trained network whose outputs are learned beside the labels.
struct TeacherArguments {
  std::string distill = {};
  std::string network = {};

  /// `usual` tells which network teaches where none is named.
  void add_to(CLI::App& command, const std::string& usual);

  /// Whether the user asked for one, by either option. `--distill 0` asks for none.
  bool is_wanted() const;

  /// `options` with the weight and temperature that were asked for; those that did best where only
  /// a teacher was named, or `by_default`.
  TrainOptions apply(TrainOptions options, bool by_default) const;

  /// The network of --teacher, if it was given. Throws Error if it has no weights or no say.
  std::optional<Network> load(const DataSplits& data) const;
};

}  // namespace morph
