// How fast an ONNX file is read that the system has in memory, and how much memory that takes.
// Writes a file of dense layers with random weights, reads it several times and prints JSON:
//
//   {"file_mb", "runs", "gb_per_s", "seconds", "wall_seconds", "peak_mb", "peak_of_file"}
//
// A run is read_onnx() and a copy of every weight, as a network with tensors of its own has them.
// seconds are those of processor time of the median run, as others may share the machine, beside
// those of the clock on the wall; peak_mb
// is the most memory that reading ever held, pages of the mapped file among it.
//
//   bench_onnx_reading [MB] [FOLDER]        (default: 100, the folder for temporary files)

#include <algorithm>
#include <cstring>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "morph/base/error.h"
#include "morph/base/random.h"
#include "morph/base/strings.h"
#include "morph/onnx/export.h"
#include "morph/onnx/import.h"

namespace {

using namespace morph;

constexpr int kRuns = 9;
constexpr int64_t kWidth = 1024;

void write_file_of(const std::filesystem::path& path, int64_t megabytes) {
  const int64_t layer_bytes = kWidth * kWidth * static_cast<int64_t>(sizeof(float));
  const int64_t layers = std::max<int64_t>(1, megabytes * 1'000'000 / layer_bytes);
  Graph graph("wide");
  Node input{.name = "x", .op = "Input", .attrs = {{"shape", Shape{1, kWidth}}}};
  input.shape = {1, kWidth};
  NodeId last = graph.add(input);
  std::vector<std::vector<float>> values;
  std::map<std::string, onnx::Array> weights;
  Random random(1);
  for (int64_t i = 0; i < layers; ++i) {
    const std::string name = cat("fc", i);
    auto& layer = values.emplace_back(static_cast<size_t>(kWidth * kWidth));
    for (float& value : layer) value = static_cast<float>(random.uniform());
    weights[name + ".weight"] = {
        .shape = {kWidth, kWidth},
        .bytes = {reinterpret_cast<const char*>(layer.data()), layer.size() * sizeof(float)}};
    last = graph.add({.name = name,
                      .op = "Gemm",
                      .inputs = {last},
                      .params = {{"weight", {name + ".weight", {kWidth, kWidth}}}},
                      .shape = {1, kWidth}});
  }
  graph.set_outputs({last});
  onnx::write_model(path, onnx::export_model(graph, weights));
}

/// Writes in a process of its own, so that this one's memory is that of reading.
void make_file(const std::filesystem::path& path, int64_t megabytes) {
  const pid_t child = ::fork();
  if (child < 0) throw Error("cannot start a process");
  if (child == 0) {
    write_file_of(path, megabytes);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) throw Error(cat("cannot write '", path.string(), "'"));
}

double seconds_on(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

struct Seconds {
  double processor = 0;
  double wall = 0;
};

Seconds now() {
  return {.processor = seconds_on(CLOCK_PROCESS_CPUTIME_ID), .wall = seconds_on(CLOCK_MONOTONIC)};
}

Seconds seconds_to_read(const std::filesystem::path& path) {
  const Seconds start = now();
  const onnx::Imported network = onnx::read_onnx(path);
  std::vector<std::unique_ptr<char[]>> copies;
  for (const auto& [name, array] : network.weights) {
    auto& copy = copies.emplace_back(new char[array.bytes.size()]);
    std::memcpy(copy.get(), array.bytes.data(), array.bytes.size());
    network.storage.let_go(array.bytes);
  }
  const Seconds end = now();
  return {.processor = end.processor - start.processor, .wall = end.wall - start.wall};
}

double median_of(std::vector<Seconds> times, double Seconds::*clock) {
  std::ranges::sort(times, {}, clock);
  return times[times.size() / 2].*clock;
}

double peak_megabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stod(line.substr(6)) * 1024 / 1e6;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int64_t megabytes = argc > 1 ? parse_int(argv[1], "MB") : 100;
    const std::filesystem::path folder =
        argc > 2 ? argv[2] : std::filesystem::temp_directory_path().string();
    const std::filesystem::path path = folder / cat("morphnet-reading-", ::getpid(), ".onnx");
    make_file(path, megabytes);
    const double before = peak_megabytes();
    std::vector<Seconds> times;
    for (int run = 0; run < kRuns; ++run) times.push_back(seconds_to_read(path));
    const auto bytes = static_cast<double>(std::filesystem::file_size(path));
    std::filesystem::remove(path);
    const double median = median_of(times, &Seconds::processor);
    const double peak = peak_megabytes() - before;
    std::cout << nlohmann::json{{"file_mb", bytes / 1e6},
                                {"runs", kRuns},
                                {"seconds", median},
                                {"wall_seconds", median_of(times, &Seconds::wall)},
                                {"gb_per_s", bytes / 1e9 / median},
                                {"peak_mb", peak},
                                {"peak_of_file", peak * 1e6 / bytes}}
                     .dump(1)
              << "\n";
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench_onnx_reading: " << error.what() << "\n";
    return 1;
  }
}
