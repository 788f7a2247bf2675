#include <algorithm>
#include <array>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <c10/util/Exception.h>

#include "morph/base/error.h"
#include "morph/nn/cuda_library.h"
#include "morph/nn/device.h"

namespace morph {
namespace {

/// Rethrows LibTorch's errors as ours, without their backtrace.
template <typename Action>
void explained(const char* what, const Action& action) {
  try {
    action();
  } catch (const c10::Error& error) {
    throw Error(cat(what, ": ", error.what_without_backtrace()));
  }
}

std::vector<cudaGraphNode_t> nodes_of(at::cuda::CUDAGraph& graph) {
  size_t count = 0;
  C10_CUDA_CHECK(cudaGraphGetNodes(graph.raw_cuda_graph(), nullptr, &count));
  std::vector<cudaGraphNode_t> nodes(count);
  C10_CUDA_CHECK(cudaGraphGetNodes(graph.raw_cuda_graph(), nodes.data(), &count));
  return nodes;
}

/// By where it ends: a copy may be recorded without a direction.
bool copies_to_host(cudaGraphNode_t node) {
  cudaMemcpy3DParms copy = {};
  C10_CUDA_CHECK(cudaGraphMemcpyNodeGetParams(node, &copy));
  cudaPointerAttributes end = {};
  C10_CUDA_CHECK(cudaPointerGetAttributes(&end, copy.dstPtr.ptr));
  return copy.kind == cudaMemcpyDeviceToHost || end.type == cudaMemoryTypeHost ||
         end.type == cudaMemoryTypeUnregistered;
}

StepWork work_of(const std::vector<cudaGraphNode_t>& nodes) {
  StepWork work;
  for (cudaGraphNode_t node : nodes) {
    cudaGraphNodeType type = cudaGraphNodeTypeEmpty;
    C10_CUDA_CHECK(cudaGraphNodeGetType(node, &type));
    if (type == cudaGraphNodeTypeKernel) ++work.kernels;
    if (type == cudaGraphNodeTypeMemset) ++work.fills;
    if (type == cudaGraphNodeTypeMemcpy) {
      ++work.copies;
      work.copies_to_host += copies_to_host(node) ? 1 : 0;
    }
  }
  return work;
}

class CudaGraphStep : public CapturedStep {
 public:
  explicit CudaGraphStep(c10::DeviceIndex device) : device_(device), graph_(/*keep_graph=*/true) {}

  void record(const std::function<void()>& step) {
    // Thread-local: a loader's threads may take page-locked memory while we record.
    graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
    try {
      step();
    } catch (...) {
      abandon();
      throw;
    }
    graph_.capture_end();
    graph_.instantiate();
  }

  StepWork work() override {
    StepWork counted;
    explained("counting what a recorded step does", [&] { counted = work_of(nodes_of(graph_)); });
    return counted;
  }

  void replay() override {
    explained("replaying a recorded step", [this] {
      const c10::cuda::CUDAGuard guard(device_);
      graph_.replay();
    });
  }

 private:
  /// Ends a recording that failed; the stream is unusable until then.
  void abandon() {
    try {
      graph_.capture_end();
    } catch (const c10::Error&) {
      // The step's own error is the one to report.
      static_cast<void>(cudaGetLastError());
    }
  }

  c10::DeviceIndex device_;
  at::cuda::CUDAGraph graph_;
};

class LibTorchCudaRuntime : public CudaRuntime {
 public:
  explicit LibTorchCudaRuntime(c10::DeviceIndex device)
      : device_(device), side_stream_(c10::cuda::getStreamFromPool(false, device)) {
    cudaDeviceProp properties = {};
    C10_CUDA_CHECK(cudaGetDeviceProperties(&properties, device));
    name_ = properties.name;
  }

  std::string device_name() const override { return name_; }

  void synchronize() override {
    explained("waiting for the GPU", [this] {
      const c10::cuda::CUDAGuard guard(device_);
      c10::cuda::device_synchronize();
    });
  }

  int64_t memory_in_use_bytes() const override { return allocated().current; }
  int64_t peak_memory_bytes() const override { return allocated().peak; }

  void warm_up(const std::function<void()>& step) override {
    on_side_stream("warming up a step", step);
  }

  std::unique_ptr<CapturedStep> capture(const std::function<void()>& step) override {
    auto recorded = std::make_unique<CudaGraphStep>(device_);
    on_side_stream("recording a step as a CUDA graph", [&] { recorded->record(step); });
    return recorded;
  }

 private:
  /// Runs `action` on the side stream, after all that was launched before and before all that is
  /// launched after it.
  void on_side_stream(const char* what, const std::function<void()>& action) {
    synchronize();
    explained(what, [&] {
      const c10::cuda::CUDAStreamGuard guard(side_stream_);
      action();
    });
    synchronize();
  }

  c10::CachingAllocator::Stat allocated() const {
    const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(device_);
    return stats.allocated_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)];
  }

  c10::DeviceIndex device_;
  c10::cuda::CUDAStream side_stream_;
  std::string name_;
};

/// The runtime of a GPU, made on first use. Never destroyed: CUDA shuts down before statics do.
CudaRuntime* runtime(c10::DeviceIndex index) {
  static auto* const kRuntimes =
      new std::array<std::unique_ptr<LibTorchCudaRuntime>, C10_COMPILE_TIME_MAX_GPUS>();
  auto& slot = kRuntimes->at(static_cast<size_t>(index));
  if (slot == nullptr) {
    c10::cuda::CUDACachingAllocator::init(c10::cuda::device_count());
    slot = std::make_unique<LibTorchCudaRuntime>(index);
  }
  return slot.get();
}

}  // namespace
}  // namespace morph

int morph_cuda_device_count() { return c10::cuda::device_count(); }

morph::CudaRuntime* morph_cuda_runtime(int index) {
  try {
    return morph::runtime(static_cast<c10::DeviceIndex>(index));
  } catch (const std::exception&) {
    return nullptr;
  }
}
