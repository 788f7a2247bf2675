// How long the forward pass of networks takes on this machine, beside what the roofline says, as
// JSON. Usage:
//
//   bench_latency DEVICE BATCH X.morph ...
//
// DEVICE is cpu, cuda or cuda:N. The roofline's two numbers are measured here too: the peak by a
// product of large matrices, the bandwidth by a copy between large tensors. On a GPU the forward
// pass is in bfloat16, recorded as a CUDA graph and replayed. Networks take turns, so that a
// machine that is busy for a while is so to all of them; of each the fastest turn counts.

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>
#include <nlohmann/json.hpp>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/checkpoint/network_file.h"
#include "morph/cost/devices.h"
#include "morph/cost/network_cost.h"
#include "morph/nn/device.h"
#include "morph/nn/graph_module.h"
#include "morph/train/autocast.h"

namespace {

using morph::cat;
using Step = std::function<void()>;

constexpr int kTurns = 25;
constexpr double kSecondsATurn = 0.05;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// A step that is measured again and again; on a GPU as a recorded graph.
class Timed {
 public:
  Timed(c10::Device device, Step step) : device_(device), step_(std::move(step)) {
    if (!device.is_cuda()) {
      step_();
      return;
    }
    morph::CudaRuntime& cuda = morph::cuda_runtime(device);
    for (int i = 0; i < 3; ++i) cuda.warm_up(step_);
    captured_ = cuda.capture(step_);
    captured_->replay();
    cuda.synchronize();
  }

  /// Mean seconds of a step over one turn.
  void take_turn() {
    int done = 0;
    const auto start = std::chrono::steady_clock::now();
    while (done == 0 || seconds_since(start) < kSecondsATurn) {
      if (captured_) {
        for (int i = 0; i < 10; ++i, ++done) captured_->replay();
        morph::cuda_runtime(device_).synchronize();
      } else {
        step_();
        ++done;
      }
    }
    seconds_.push_back(seconds_since(start) / done);
  }

  /// Of the fastest turn: what slows the others down is not the network.
  double seconds() const { return *std::min_element(seconds_.begin(), seconds_.end()); }

 private:
  c10::Device device_;
  Step step_;
  std::unique_ptr<morph::CapturedStep> captured_;
  std::vector<double> seconds_;
};

at::TensorOptions precision(c10::Device device) {
  return at::TensorOptions(device.is_cuda() ? at::kBFloat16 : at::kFloat).device(device);
}

morph::Roofline measure_roofline(c10::Device device) {
  const int64_t n = device.is_cuda() ? 8192 : 1024;
  const at::Tensor a = at::randn({n, n}, precision(device));
  Timed product(device, [&] { at::mm(a, a); });
  const at::Tensor large = at::randn({device.is_cuda() ? 1 << 29 : 1 << 26}, precision(device));
  const at::Tensor copy = at::empty_like(large);
  Timed copying(device, [&] { copy.copy_(large); });
  for (int i = 0; i < kTurns; ++i) {
    product.take_turn();
    copying.take_turn();
  }
  const double flops = 2.0 * static_cast<double>(n * n * n);
  const double bytes = 2.0 * static_cast<double>(large.nbytes());  // Read and written.
  return {.peak_gflops = flops / product.seconds() / 1e9,
          .bandwidth_gbs = bytes / copying.seconds() / 1e9};
}

/// A network ready to run.
struct Subject {
  std::string file = {};
  std::unique_ptr<morph::GraphModule> module = {};
  at::Tensor images = {};
  std::unique_ptr<Timed> timed = {};
};

Subject make_subject(const std::string& file, c10::Device device, int64_t batch) {
  morph::Network network = morph::read_network(file);
  Subject subject{.file = file};
  subject.module = std::make_unique<morph::GraphModule>(
      network.graph, network.params ? *network.params : morph::initial_params(network.graph, 0));
  subject.module->set_training(false);
  subject.module->to(device);
  morph::Shape shape = network.graph[network.graph.inputs().front()].shape;
  shape.front() = batch;
  subject.images = at::randn(shape, at::TensorOptions(at::kFloat).device(device))
                       .contiguous(at::MemoryFormat::ChannelsLast);
  const morph::GraphModule& module = *subject.module;
  const at::Tensor images = subject.images;
  subject.timed = std::make_unique<Timed>(device, [&module, images, device] {
    if (device.is_cuda()) {
      const morph::Autocast autocast;
      module.forward(images);
    } else {
      module.forward(images);
    }
  });
  return subject;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 3) throw morph::Error("usage: bench_latency DEVICE BATCH X.morph ...");
  const c10::Device device = morph::open_device(arguments[0]);
  const int64_t batch = morph::parse_int(arguments[1], "BATCH");
  const at::NoGradGuard no_grad;
  std::vector<Subject> subjects;
  for (size_t i = 2; i < arguments.size(); ++i) {
    subjects.push_back(make_subject(arguments[i], device, batch));
  }
  const morph::Roofline roofline = measure_roofline(device);
  for (int turn = 0; turn < kTurns; ++turn) {
    for (Subject& subject : subjects) subject.timed->take_turn();
  }
  const std::string cost =
      cat("latency:peak=", roofline.peak_gflops, ",bandwidth=", roofline.bandwidth_gbs);
  const std::unique_ptr<morph::CostModel> model = morph::make_cost_model(
      cost, {.batch_size = batch, .element_bytes = device.is_cuda() ? 2 : 4});
  nlohmann::json rows = nlohmann::json::array();
  for (const Subject& subject : subjects) {
    const morph::Graph& graph = subject.module->graph();
    rows.push_back(
        {{"network", subject.file},
         {"measured_ms", 1e3 * subject.timed->seconds()},
         {"roofline_ms", 1e-6 * morph::network_cost(graph, *model)},
         {"mflops", 1e-6 * morph::network_cost(graph, *morph::make_cost_model("flops"))}});
  }
  const nlohmann::json json = {
      {"device", device.is_cuda() ? morph::cuda_runtime(device).device_name() : "CPU"},
      {"batch", batch},
      {"threads", at::get_num_threads()},
      {"roofline",
       {{"peak_gflops", roofline.peak_gflops}, {"bandwidth_gbs", roofline.bandwidth_gbs}}},
      {"networks", rows}};
  std::cout << json.dump(1) << "\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    morph::exit_program(run({argv + 1, argv + argc}));
  } catch (const morph::Error& error) {
    std::cerr << "bench_latency: " << error.what() << "\n";
    morph::exit_program(1);
  }
}
