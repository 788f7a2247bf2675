#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/randn.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/base/strings.h"
#include "morph/checkpoint/onnx_file.h"
#include "morph/nn/graph_module.h"

namespace morph {
namespace {

namespace fs = std::filesystem;

constexpr int kNotInstalled = 3;
constexpr int64_t kSamples = 2;
constexpr uint64_t kSampleSeed = 20181;

/// Reads input-I of the shapes in its arguments ("2,3,8,8"), writes output-I and the shapes.
constexpr const char* kScript = R"(import sys
try:
    import numpy, onnxruntime
except ImportError:
    sys.exit(3)
model, folder, *shapes = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.log_severity_level = 3
options.intra_op_num_threads = 1
try:
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feeds = {}
    for i, (entry, shape) in enumerate(zip(session.get_inputs(), shapes)):
        values = numpy.fromfile(f"{folder}/input-{i}", dtype=numpy.float32)
        values = values.reshape([int(size) for size in shape.split(",")])
        feeds[entry.name] = values.astype(numpy.int64) if "int64" in entry.type else values
    with open(f"{folder}/shapes", "w") as out:
        for i, value in enumerate(session.run(None, feeds)):
            value.astype(numpy.float32).tofile(f"{folder}/output-{i}")
            print(",".join(str(size) for size in value.shape), file=out)
except Exception as error:
    with open(f"{folder}/error", "w") as out:
        out.write(str(error))
    sys.exit(1)
)";

std::string python() {
  const char* chosen = std::getenv("MORPHNET_PYTHON");
  if (chosen != nullptr && *chosen != '\0') return chosen;
  const fs::path own = fs::path(MORPH_SOURCE_DIR) / ".venv" / "bin" / "python3";
  std::error_code code;
  return fs::exists(own, code) ? own.string() : "python3";
}

/// The exit status of a program; 127 if it cannot be started.
int run_program(std::vector<std::string> arguments) {
  std::vector<char*> words;
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  pid_t child = 0;
  if (::posix_spawnp(&child, words[0], nullptr, nullptr, words.data(), environ) != 0) return 127;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return 127;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

std::string shape_word(at::IntArrayRef shape) {
  std::vector<std::string> sizes;
  for (const int64_t size : shape) sizes.push_back(std::to_string(size));
  return join(sizes, ",");
}

std::vector<at::Tensor> read_outputs(const WorkFolder& folder) {
  std::vector<at::Tensor> outputs;
  const std::string shapes = read_file(folder / "shapes");
  for (const std::string& line : split(trim(shapes), '\n')) {
    std::vector<int64_t> shape;
    for (const std::string& size : split(line, ',')) shape.push_back(parse_int(size, "a size"));
    const std::string bytes = read_file(folder / cat("output-", outputs.size()));
    at::Tensor output = at::empty(shape, at::kFloat);
    MORPH_CHECK(output.nbytes() == bytes.size());
    std::memcpy(output.data_ptr(), bytes.data(), bytes.size());
    outputs.push_back(std::move(output));
  }
  return outputs;
}

/// The outputs of a network in eval mode, computed in a precision and given in double.
std::vector<at::Tensor> run_here(const Network& network,
                                 const std::vector<at::Tensor>& inputs,
                                 at::ScalarType precision) {
  Params params;
  for (const auto& [name, tensor] : *network.params) {
    params[name] = tensor.detach().to(at::kCPU, precision, /*non_blocking=*/false, /*copy=*/true);
  }
  GraphModule module(network.graph, std::move(params));
  module.set_training(false);
  std::vector<at::Tensor> values;
  for (const at::Tensor& input : inputs) values.push_back(input.to(precision));
  const at::NoGradGuard no_grad;
  values = module.forward(values);
  for (at::Tensor& value : values) value = value.to(at::kDouble);
  return values;
}

/// max |outputs − exact| / max |exact|; not a number if one of the outputs is none.
double relative_difference(const std::vector<at::Tensor>& outputs,
                           const std::vector<at::Tensor>& exact) {
  double difference = 0;
  double scale = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    const double here = (outputs[i] - exact[i]).abs().max().item<double>();
    if (std::isnan(here)) return here;
    difference = std::max(difference, here);
    scale = std::max(scale, exact[i].abs().max().item<double>());
  }
  return scale == 0 ? difference : difference / scale;
}

}  // namespace

WorkFolder::WorkFolder() {
  std::string name = (fs::temp_directory_path() / "morphnet-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw Error(cat("cannot make the folder '", name, "'"));
  path_ = name;
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::optional<std::vector<at::Tensor>> run_onnx_runtime(const fs::path& path,
                                                        std::span<const at::Tensor> inputs) {
  const WorkFolder folder;
  std::vector<std::string> arguments = {python(), "-c", kScript, path.string(), folder.string()};
  for (size_t i = 0; i < inputs.size(); ++i) {
    const at::Tensor values = inputs[i].to(at::kCPU, at::kFloat).contiguous();
    write_file(folder / cat("input-", i),
               std::string_view(static_cast<const char*>(values.const_data_ptr()),
                                static_cast<size_t>(values.nbytes())));
    arguments.push_back(shape_word(values.sizes()));
  }
  const int status = run_program(std::move(arguments));
  if (status == kNotInstalled || status == 127) return std::nullopt;
  if (status != 0) {
    std::error_code code;
    const bool has_message = fs::exists(folder / "error", code);
    throw Error(cat("ONNX Runtime does not run '",
                    path.string(),
                    "': ",
                    has_message ? read_file(folder / "error") : cat("status ", status)));
  }
  return read_outputs(folder);
}

OnnxCertificate certify_onnx(const fs::path& path, const Network& network) {
  MORPH_CHECK(network.params);
  std::vector<at::Tensor> inputs;
  at::Generator generator = at::detail::createCPUGenerator(kSampleSeed);
  for (const NodeId id : network.graph.inputs()) {
    Shape shape = network.graph[id].shape;
    shape.front() = kSamples;
    inputs.push_back(at::randn(shape, generator, at::TensorOptions(at::kFloat)));
  }
  const auto judged = run_onnx_runtime(path, inputs);
  if (!judged) return {};
  const std::vector<at::Tensor> exact = run_here(network, inputs, at::kDouble);
  MORPH_CHECK(exact.size() == judged->size());
  for (size_t i = 0; i < exact.size(); ++i) {
    if (exact[i].sizes() == (*judged)[i].sizes()) continue;
    throw Error(cat("ONNX Runtime makes of '", path.string(), "' an output of another shape"));
  }
  OnnxCertificate certificate{.was_run = true, .difference = relative_difference(*judged, exact)};
  if (!(certificate.difference <= kLargestOnnxDifference)) {
    certificate.rounding = relative_difference(run_here(network, inputs, at::kFloat), exact);
  }
  return certificate;
}

}  // namespace morph
