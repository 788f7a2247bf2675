#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <c10/core/Device.h>

namespace morph {

/// Ends a program that may have opened a GPU: flushes standard output and error and skips static
/// destructors. Those of the CUDA libraries, loaded late, free what others have freed
/// (pytorch#36408).
[[noreturn]] void exit_program(int code);

/// What a recorded step makes the device do.
struct StepWork {
  int64_t kernels = 0;
  int64_t fills = 0;
  int64_t copies = 0;
  int64_t copies_to_host = 0;  ///< Among the copies.
};

/// A step recorded as a CUDA graph. Destroy it before the tensors it reads and writes.
class CapturedStep {
 public:
  virtual ~CapturedStep() = default;

  /// Counted from the nodes of the graph: all that a replay does.
  virtual StepWork work() = 0;

  /// Runs the recorded kernels again, on the same addresses, in the order of the current stream.
  /// Does not wait for them.
  virtual void replay() = 0;
};

/// What LibTorch's CPU half cannot do for one GPU. The implementation stands in a library of its
/// own, so that programs start where no CUDA library is installed.
class CudaRuntime {
 public:
  virtual ~CudaRuntime() = default;

  /// As the driver calls it: "NVIDIA H100".
  virtual std::string device_name() const = 0;

  /// Waits until the device has done all it was given.
  virtual void synchronize() = 0;

  /// Bytes that live tensors take on the device, now and at most so far.
  virtual int64_t memory_in_use_bytes() const = 0;
  virtual int64_t peak_memory_bytes() const = 0;

  /// Runs `step` once on the stream that capture() records on. A step must have run there a few
  /// times (three do) before it is recorded: libraries choose algorithms and allocate on first use.
  virtual void warm_up(const std::function<void()>& step) = 0;

  /// Records what `step` launches, forward, backward and update, without running it. The step may
  /// not wait for the device (no .item()), branch on its results, or change host numbers from one
  /// call to the next: learning rate and strength must be tensors on the device, inputs are copied
  /// into fixed tensors. Throws Error with LibTorch's reason if something in it cannot be recorded.
  virtual std::unique_ptr<CapturedStep> capture(const std::function<void()>& step) = 0;
};

/// The device called "cpu", "cuda" (the first GPU) or "cuda:1", ready for use. For a GPU this loads
/// the CUDA library, so call it before any other work with LibTorch. Throws Error with the remedy
/// if the name is none of these, the CUDA library was not built, a library it needs is missing, or
/// there is no such GPU.
c10::Device open_device(const std::string& name);

/// The runtime of a GPU that open_device() has returned.
CudaRuntime& cuda_runtime(c10::Device device);

/// What to tell a user whose CUDA library does not load, from the loader's own message.
std::string explain_load_failure(const std::string& library, const std::string& loader_message);

}  // namespace morph
