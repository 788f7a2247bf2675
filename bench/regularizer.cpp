// What a step of the regularizer costs beside a training step of the same network, for each kind of
// gate and each cost, as JSON. Usage:
//
//   bench_regularizer [NETWORK] [DEVICE] [BATCH]
//
// by default resnet101, cuda where there is a GPU, and a batch of 256 there and 2 elsewhere. On a
// GPU both steps are recorded as CUDA graphs and replayed, the training step in bfloat16; launches
// and copies are counted from the graph.

#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <nlohmann/json.hpp>
#include <torch/csrc/autograd/profiler_kineto.h>

#include "morph/base/error.h"
#include "morph/nn/device.h"
#include "morph/nn/fold_gates.h"
#include "morph/regularize/network_regularizer.h"
#include "morph/train/autocast.h"
#include "morph/train/flat_parameters.h"
#include "morph/train/sgd.h"
#include "morph/transform/insert_gates.h"
#include "morph/zoo/zoo.h"

namespace {

using morph::cat;
using Step = std::function<void()>;

struct Bench {
  c10::Device device;
  int64_t batch = 0;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Mean time of a step over at least ten, and as many more as fit into half a second.
double milliseconds_of(const Step& step, const Step& wait) {
  int done = 0;
  wait();
  const auto start = std::chrono::steady_clock::now();
  while (done < 10 || seconds_since(start) < 0.5) {
    for (int i = 0; i < 10; ++i) step();
    wait();
    done += 10;
  }
  return 1000 * seconds_since(start) / done;
}

struct Measured {
  double ms = 0;
  int64_t launches =
      0;  // Kernels, fills and copies on a GPU; calls of LibTorch operators elsewhere.
  int64_t device_to_host = 0;
};

/// Calls of LibTorch's operators, by its profiler.
int64_t count_operators(const Step& step) {
  namespace kineto = torch::autograd::profiler;
  using torch::profiler::impl::ActivityType;
  const std::set<ActivityType> activities = {ActivityType::CPU};
  const torch::profiler::impl::ProfilerConfig config(torch::profiler::impl::ProfilerState::KINETO);
  kineto::prepareProfiler(config, activities);
  kineto::enableProfiler(config, activities, {at::RecordScope::FUNCTION});
  step();
  return std::ssize(kineto::disableProfiler()->events());
}

/// The mean time of a step, and what it does: of a replay on a GPU, of a call elsewhere.
Measured measure(const Bench& bench, const Step& step) {
  if (!bench.device.is_cuda()) {
    step();
    return {.ms = milliseconds_of(step, [] {}), .launches = count_operators(step)};
  }
  morph::CudaRuntime& cuda = morph::cuda_runtime(bench.device);
  for (int i = 0; i < 3; ++i) cuda.warm_up(step);
  const std::unique_ptr<morph::CapturedStep> captured = cuda.capture(step);
  captured->replay();
  const morph::StepWork work = captured->work();
  return {.ms = milliseconds_of([&] { captured->replay(); }, [&] { cuda.synchronize(); }),
          .launches = work.kernels + work.fills + work.copies,
          .device_to_host = work.copies_to_host};
}

/// A network as the bench runs it: with its gates, on its device, its parameters in one buffer.
struct Subject {
  morph::GraphModule module;
  morph::FlatParameters flat;

  Subject(morph::Graph graph, morph::Params params, c10::Device device)
      : module(on(device, std::move(graph), std::move(params))),
        flat(module, at::MemoryFormat::ChannelsLast) {}

  static morph::GraphModule on(c10::Device device, morph::Graph graph, morph::Params params) {
    morph::GraphModule module(std::move(graph), std::move(params));
    module.to(device);
    return module;
  }
};

std::unique_ptr<Subject> make_subject(const std::string& network,
                                      const std::string& gate,
                                      c10::Device device) {
  morph::Graph graph = morph::zoo::build(network);
  morph::Params params = morph::initial_params(graph, 0);
  if (gate == "logistic-sigmoid") {
    graph = morph::insert_gates(graph, {.layers = morph::InsertGatesOptions::Layers::kAll});
    params = morph::gated_params(graph, params);
  }
  return std::make_unique<Subject>(std::move(graph), std::move(params), device);
}

double training_step_ms(const Bench& bench, const std::string& network) {
  const auto subject = make_subject(network, "gamma", bench.device);
  morph::Sgd sgd(subject->flat, {.weight_decay = 5e-4});
  const morph::Graph& graph = subject->module.graph();
  morph::Shape shape = graph[graph.inputs().front()].shape;
  shape.front() = bench.batch;
  const auto options = at::TensorOptions(at::kFloat).device(bench.device);
  const at::Tensor images = at::randn(shape, options).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor labels = at::randint(10, {bench.batch}, options.dtype(at::kLong));
  const at::Tensor rate = at::full({1}, 1e-3, options);
  const auto step = [&] {
    subject->flat.zero_grads();
    at::Tensor logits;
    if (bench.device.is_cuda()) {
      const morph::Autocast autocast;
      logits = subject->module.forward(images).to(at::kFloat);
    } else {
      logits = subject->module.forward(images);
    }
    at::cross_entropy_loss(logits, labels).backward();
    sgd.step(rate);
  };
  return measure(bench, step).ms;
}

nlohmann::json measure_regularizer(const Bench& bench,
                                   Subject& subject,
                                   const std::string& gate,
                                   const std::vector<std::string>& costs) {
  morph::NetworkRegularizer regularizer(subject.module, costs, {.gate = gate});
  regularizer.set_strengths(std::vector<double>(costs.size(), 1e-12));
  const auto step = [&] { regularizer.accumulate_gradient(); };
  const Measured measured = measure(bench, step);
  std::string name = gate;
  for (const std::string& cost : costs) name += " " + cost;
  return {{"name", name},
          {"ms", measured.ms},
          {"launches", measured.launches},
          {"device_to_host_copies", measured.device_to_host}};
}

int run(const std::vector<std::string>& arguments) {
  const std::string network = !arguments.empty() ? arguments[0] : "resnet101";
  c10::Device device(c10::kCPU);
  if (arguments.size() > 1) {
    device = morph::open_device(arguments[1]);
  } else {
    try {
      device = morph::open_device("cuda");
    } catch (const morph::Error&) {
      std::cerr << "no GPU: measuring on the CPU\n";
    }
  }
  const Bench bench{
      .device = device,
      .batch = arguments.size() > 2 ? std::stoll(arguments[2]) : (device.is_cuda() ? 256 : 2)};
  const std::string device_name =
      device.is_cuda() ? morph::cuda_runtime(device).device_name() : "CPU";

  const double training_ms = training_step_ms(bench, network);
  nlohmann::json rows = nlohmann::json::array();
  const std::vector<std::vector<std::string>> costs = {
      {"flops"}, {"params"}, {"latency:V100"}, {"activation-memory"}, {"flops", "params"}};
  for (const std::string& gate : morph::gate_kinds()) {
    const auto subject = make_subject(network, gate, device);
    for (const std::vector<std::string>& some : costs) {
      nlohmann::json row = measure_regularizer(bench, *subject, gate, some);
      row["device"] = device_name;
      row["share_of_step"] = row["ms"].get<double>() / training_ms;
      std::cerr << row.dump() << "\n";
      rows.push_back(std::move(row));
    }
  }
  std::cout << nlohmann::json{{"network", network},
                              {"device", device_name},
                              {"batch", bench.batch},
                              {"training_step_ms", training_ms},
                              {"regularizers", std::move(rows)}}
                   .dump(1)
            << "\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    morph::exit_program(run({argv + 1, argv + argc}));
  } catch (const std::exception& error) {
    std::cerr << "bench_regularizer: " << error.what() << "\n";
    morph::exit_program(1);
  }
}
