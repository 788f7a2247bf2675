#include <iostream>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/cli/arguments.h"
#include "morph/cli/commands.h"
#include "morph/cli/onnx_output.h"
#include "morph/data/loader.h"
#include "morph/data/normalization.h"
#include "morph/nn/fold_gates.h"
#include "morph/nn/insert_batch_norm.h"
#include "morph/transform/insert_gates.h"

namespace morph {
namespace {

constexpr int64_t kCalibrationImages = 512;

struct ConvertArguments {
  NetworkArgument network = {};
  OutputArgument out = {};
  std::string gates = {};
  std::optional<int64_t> opset = {};
  std::string data = {};
  int64_t image_size = 32;
  bool fold_bn = false;
  bool external_data = false;
};

void check(const ConvertArguments& arguments) {
  const bool asks_for_onnx = arguments.fold_bn || arguments.opset || arguments.external_data;
  if (asks_for_onnx && !arguments.out.is_onnx()) {
    throw Error("--fold-bn, --opset and --external-data are for files X.onnx");
  }
  if (arguments.gates == "logistic" && arguments.out.is_onnx()) {
    throw Error("ONNX has no logistic gates: write X.morph, learn, and write the result as X.onnx");
  }
  if (arguments.gates == "bn" && arguments.fold_bn) {
    throw Error("--insert-gates bn puts in what --fold-bn takes out");
  }
  if (!arguments.data.empty() && arguments.gates != "bn") {
    throw Error("--data calibrates what --insert-gates bn puts in");
  }
}

/// A batch of the data, by which new statistics are measured.
std::vector<at::Tensor> calibration(const ConvertArguments& arguments) {
  if (arguments.data.empty()) return {};
  const DataSplits data = open_data(arguments.data, {.image_size = arguments.image_size});
  Loader loader(data.train,
                {.batch_size = kCalibrationImages,
                 .shuffle = true,
                 .normalization = measure_normalization(*data.train)});
  loader.start_epoch(0);
  return {loader.next().value().images};
}

void insert(const ConvertArguments& arguments, Network& network) {
  if (arguments.gates.empty()) return;
  if (!network.params) throw Error("gates are put into a network with weights: give --weights");
  if (arguments.gates == "logistic") {
    Graph gated = insert_gates(network.graph);
    network.params = gated_params(gated, *network.params);
    network.graph = std::move(gated);
    return;
  }
  Normalized result = insert_batch_norm(network.graph, *network.params, calibration(arguments));
  std::cout << "  BatchNormalization behind " << join(result.layers, ", ") << "\n";
  network = {.graph = std::move(result.graph), .params = std::move(result.params)};
}

/// The file, and what there is to say of it.
void print(const std::vector<std::string>& lines) {
  for (size_t i = 0; i < lines.size(); ++i) std::cout << (i == 0 ? "" : "  ") << lines[i] << "\n";
}

void convert(const ConvertArguments& arguments) {
  check(arguments);
  Network network = arguments.network.load();
  for (const std::string& note : network.notes) std::cout << "  " << note << "\n";
  insert(arguments, network);
  if (!arguments.out.is_onnx()) {
    print(arguments.out.write(network, arguments.network.name));
    return;
  }
  OnnxFileOptions options = arguments.out.options(arguments.network.name);
  options.model.opset = arguments.opset;
  if (arguments.fold_bn) options.batch_norm = OnnxFileOptions::BatchNorm::kFold;
  if (arguments.external_data) options.placement = onnx::Placement::kOutside;
  print({arguments.out.path, describe(write_onnx_network(arguments.out.path, network, options))});
}

}  // namespace

void add_convert(CLI::App& app) {
  auto arguments = std::make_shared<ConvertArguments>();
  CLI::App* command = app.add_subcommand(
      "convert", "Write a network in another format: ONNX, or text form and weights");
  arguments->network.add_to(*command);
  arguments->network.add_opaque_to(*command);
  arguments->out.add_to(*command);
  command->add_flag(
      "--fold-bn", arguments->fold_bn, "Multiply BatchNormalizations into the layers before");
  command->add_option(
      "--opset", arguments->opset, "Version of ONNX's operators (default: 17, or what they need)");
  command->add_flag(
      "--external-data", arguments->external_data, "Put large weights into OUT.data beside it");
  command
      ->add_option(
          "--insert-gates",
          arguments->gates,
          "Put in what tells which channels are needed, and changes nothing: bn or logistic")
      ->check(CLI::IsMember({"bn", "logistic"}));
  command
      ->add_option("--data", arguments->data, "Measure the statistics of --insert-gates bn on it")
      ->type_name("DATA");
  command->add_option("--image-size", arguments->image_size, "For folder:DIR")
      ->capture_default_str();
  command->callback([arguments] { convert(*arguments); });
}

}  // namespace morph
