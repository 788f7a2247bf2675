#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/checkpoint/onnx_file.h"
#include "morph/nn/graph_module.h"

namespace morph {
namespace {

namespace fs = std::filesystem;
using onnx::Array;
using onnx::DataType;

/// Of Debian's package libonnx-testdata.
const fs::path kData = "/usr/share/libonnx-testdata/data";

/// The suite's own relative tolerance; sums of float32 in another order need the absolute one.
constexpr double kRelative = 1e-3;
constexpr double kAbsolute = 1e-5;

/// Tests that say something else than they seem to, and why they are not compared.
struct Exception {
  std::string_view prefix;
  std::string_view reason;
};
constexpr std::array kExceptions = {
    Exception{"test_training_dropout", "training: random numbers of another generator"},
    Exception{"test_cast_FLOAT_to_BFLOAT16", "live values are float32 throughout"},
    Exception{"test_castlike_FLOAT_to_BFLOAT16", "live values are float32 throughout"},
    Exception{"test_batchnorm_epsilon_training_mode", "training: more outputs than the result"},
    Exception{"test_batchnorm_example_training_mode", "training: more outputs than the result"},
};

/// The ops that are read, with those that only stand in constant parts of a file.
std::set<std::string> ops_read() {
  std::set<std::string> ops;
  for (const std::string& op : onnx::readable_ops()) ops.insert(op);
  return ops;
}

struct Case {
  std::string suite;
  fs::path folder;

  std::string name() const { return folder.filename().string(); }
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const char* suite : {"node", "simple", "pytorch-converted", "pytorch-operator"}) {
    for (const auto& entry : fs::directory_iterator(kData / suite)) {
      if (fs::exists(entry.path() / "model.onnx")) cases.push_back({suite, entry.path()});
    }
  }
  std::ranges::sort(cases, {}, [](const Case& c) { return c.suite + "/" + c.name(); });
  return cases;
}

at::Tensor to_tensor(const Array& array) {
  const std::vector<double> values = onnx::to_doubles(array);
  at::Tensor tensor = at::empty(array.shape, at::kDouble);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<double>());
  return tensor.to(at::kFloat);
}

/// The values of one case: input_0.pb, …, or output_0.pb, ….
std::vector<Array> read_values(const Case& test, const char* stem, onnx::Storage& storage) {
  std::vector<Array> values;
  for (int i = 0; true; ++i) {
    const fs::path path = test.folder / "test_data_set_0" / cat(stem, "_", i, ".pb");
    if (!fs::exists(path)) return values;
    const std::string_view bytes = storage.keep(onnx::MappedFile(path));
    values.push_back(onnx::parse_tensor(bytes, storage).array);
    onnx::check_array(values.back(), path.filename().string());
  }
}

/// Which of a model's inputs are the network's; the others become constants.
enum class Live {
  kAllFloating,
  kFirstFloating,
  kNone,  ///< All of the file is computed while it is read.
};

/// Gives a model whose outputs are constants an input: each output as one row, plus a row of zeros.
void add_row_of_zeros(onnx::Model& model, const std::vector<Array>& outputs) {
  using onnx::AttributeProto;
  onnx::GraphProto& graph = model.graph;
  static constexpr std::array<int64_t, 2> kRow = {1, -1};
  const Array row{.type = DataType::kInt64,
                  .shape = {2},
                  .bytes = {reinterpret_cast<const char*>(kRow.data()), sizeof(kRow)}};
  graph.initializers.push_back({.name = "row", .array = row});
  for (size_t i = 0; i < graph.outputs.size() && i < outputs.size(); ++i) {
    const std::string name = graph.outputs[i].name;
    onnx::ValueInfoProto zeros{
        .name = name + ".zeros", .type = DataType::kFloat, .has_shape = true};
    zeros.shape = {{.value = 1}, {.value = onnx::count_elements(outputs[i].shape)}};
    graph.inputs.push_back(zeros);
    graph.nodes.push_back({.op_type = "Cast", .inputs = {name}, .outputs = {name + ".float"}});
    graph.nodes.back().attributes = {
        {.name = "to", .type = AttributeProto::Type::kInt, .ints = {1}}};
    graph.nodes.push_back(
        {.op_type = "Reshape", .inputs = {name + ".float", "row"}, .outputs = {name + ".row"}});
    graph.nodes.push_back(
        {.op_type = "Add", .inputs = {name + ".row", name + ".zeros"}, .outputs = {name + ".sum"}});
    graph.outputs[i].name = name + ".sum";
  }
}

/// Some ops have further outputs for training or for undoing what they did.
enum class Outputs { kAll, kFirst };

/// Runs a case. Throws Error if the model is not read in this way, and says what is wrong
/// otherwise.
std::string run(const Case& test, Live live, Outputs which) {
  onnx::Storage storage;
  onnx::Model model = onnx::read_model(test.folder / "model.onnx");
  const std::vector<Array> inputs = read_values(test, "input", storage);
  const std::vector<Array> outputs = read_values(test, "output", storage);
  std::set<std::string> initial;
  for (const auto& tensor : model.graph.initializers) initial.insert(tensor.name);
  std::vector<at::Tensor> given;
  size_t next = 0;
  for (const onnx::ValueInfoProto& input : model.graph.inputs) {
    if (next >= inputs.size()) break;
    Array value = inputs[next++];
    // The suite's data for bfloat16 are marked as the integers that NumPy has for them.
    if (input.type == DataType::kBfloat16) value.type = input.type;
    const bool is_live = live != Live::kNone && onnx::is_floating(value.type) &&
                         !value.shape.empty() && (live == Live::kAllFloating || given.empty()) &&
                         initial.count(input.name) == 0;
    if (is_live) {
      given.push_back(to_tensor(value));
    } else if (initial.count(input.name) == 0) {
      model.graph.initializers.push_back({.name = input.name, .array = value});
    }
  }
  if (live == Live::kNone) {
    add_row_of_zeros(model, outputs);
    for (const Array& output : outputs) {
      given.push_back(at::zeros({1, onnx::count_elements(output.shape)}));
    }
  }
  // Older forms of the ops tested here differ in attributes that are refused by name, or not at
  // all.
  model.opsets[""] = std::max<int64_t>(model.opsets[""], 7);
  if (which == Outputs::kFirst) model.graph.outputs.resize(1);
  const onnx::Imported imported = onnx::import_model(std::move(model));
  GraphModule module(imported.graph, to_params(imported));
  module.set_training(false);
  const at::NoGradGuard no_grad;
  const std::vector<at::Tensor> results = module.forward(given);
  for (size_t i = 0; i < results.size() && i < outputs.size(); ++i) {
    at::Tensor expected = to_tensor(outputs[i]);
    if (live == Live::kNone) expected = expected.reshape({1, -1});
    if (results[i].sizes() != expected.sizes()) return "another shape";
    if (!at::allclose(results[i], expected, kRelative, kAbsolute, /*equal_nan=*/true)) {
      return cat("differs by ", (results[i] - expected).abs().max().item<double>());
    }
  }
  return "";
}

/// A message without file, node and names, so that equal reasons read equal.
std::string reason(const std::string& message) {
  std::string text = message;
  const size_t label = text.find("] ");
  if (label != std::string::npos) text = text.substr(label + 2);
  std::replace(text.begin(), text.end(), '|', '/');
  return text;
}

struct Outcome {
  std::string failure = {};  ///< Read, but with another result.
  std::string reason = {};   ///< Why it is not read; "" if it passed.
};

Outcome outcome(const Case& test) {
  for (const Exception& exception : kExceptions) {
    if (test.name().rfind(exception.prefix, 0) == 0)
      return {.reason = std::string(exception.reason)};
  }
  Outcome result;
  bool passed = false;
  for (const Outputs which : {Outputs::kAll, Outputs::kFirst}) {
    for (const Live live : {Live::kAllFloating, Live::kFirstFloating, Live::kNone}) {
      if (passed && (which == Outputs::kFirst || live == Live::kNone)) continue;
      try {
        const std::string fault = run(test, live, which);
        passed = passed || fault.empty();
        if (!fault.empty()) result.failure = fault;
      } catch (const Error& error) {
        // The first reason is that of the model as it stands.
        if (result.reason.empty()) result.reason = reason(error.what());
      }
    }
  }
  if (passed) result.reason.clear();
  return result;
}

struct Counts {
  int64_t passed = 0;
  int64_t listed = 0;
};

/// docs/onnx-conformance.md.
std::string document(const std::map<std::string, Counts>& suites,
                     const std::map<std::string, std::string>& listed,
                     const std::map<std::string, int64_t>& unread) {
  std::string text =
      "# The official ONNX tests\n\n"
      "Written by `onnx_conformance_test` from a run over the models of Debian's package\n"
      "`libonnx-testdata` (ONNX 1.12): each is read, run by `GraphModule`, and compared with the\n"
      "outputs that lie beside it, at the suite's relative tolerance of 1e-3 (absolute 1e-5). A "
      "test\n"
      "that is lost or changes its reason is a failure; `MORPHNET_UPDATE_DOCS=1` writes this "
      "file.\n\n"
      "| suite | passed | listed below |\n|---|---:|---:|\n";
  for (const auto& [suite, counts] : suites) {
    text += cat("| ", suite, " | ", counts.passed, " | ", counts.listed, " |\n");
  }
  text +=
      "\n## Not run, and why\n\n"
      "The first axis of every input is the batch, and a network computes each example by itself: "
      "a\n"
      "form that mixes examples, or has no batch, is no form of a network.\n\n"
      "| test | reason |\n|---|---|\n";
  for (const auto& [test, why] : listed) text += cat("| ", test, " | ", why, " |\n");
  text += "\n## Ops that are not read\n\nTests in which they stand: ";
  const char* separator = "";
  for (const auto& [op, count] : unread) {
    text += cat(separator, op, " ", count);
    separator = ", ";
  }
  return text + ".\n";
}

TEST(OnnxConformance, OfficialTestsPassOrAreListed) {
  if (!fs::exists(kData)) GTEST_SKIP() << kData << " is missing: apt-get install libonnx-testdata";
  const std::set<std::string> known = ops_read();
  std::map<std::string, Counts> suites;
  std::map<std::string, std::string> listed;
  std::map<std::string, int64_t> unread;
  for (const Case& test : all_cases()) {
    std::set<std::string> missing;
    for (const onnx::NodeProto& node : onnx::read_model(test.folder / "model.onnx").graph.nodes) {
      const bool is_known = node.domain.empty() && known.count(node.op_type) != 0;
      if (!is_known) missing.insert(node.op_type);
    }
    for (const std::string& op : missing) ++unread[op];
    if (!missing.empty()) continue;
    const Outcome result = outcome(test);
    EXPECT_EQ(result.failure, "") << test.suite << "/" << test.name();
    if (result.reason.empty()) ++suites[test.suite].passed;
    if (result.reason.empty()) continue;
    ++suites[test.suite].listed;
    listed[test.suite + "/" + test.name()] = result.reason;
  }
  const fs::path path = fs::path(MORPH_SOURCE_DIR) / "docs" / "onnx-conformance.md";
  const std::string text = document(suites, listed, unread);
  if (std::getenv("MORPHNET_UPDATE_DOCS") != nullptr) write_file(path, text);
  EXPECT_EQ(read_file(path), text) << "run with MORPHNET_UPDATE_DOCS=1 if this is meant";
}

}  // namespace
}  // namespace morph
