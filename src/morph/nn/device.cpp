#include "morph/nn/device.h"

#include <cstdlib>
#include <iostream>
#include <string_view>

#include <dlfcn.h>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/nn/cuda_library.h"

namespace morph {
namespace {

constexpr const char* kLibrary = "libmorph_cuda.so";

/// The loaded CUDA library. Never unloaded: LibTorch's registrations in it outlive every caller.
struct CudaLibrary {
  decltype(&morph_cuda_device_count) device_count = nullptr;
  decltype(&morph_cuda_runtime) runtime = nullptr;
};

CudaLibrary load_cuda_library() {
  const char* given = std::getenv("MORPHNET_CUDA_LIBRARY");
  const std::string path = given == nullptr ? kLibrary : given;
  // Global, because LibTorch's own libraries look for each other's symbols.
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (handle == nullptr) throw Error(explain_load_failure(path, dlerror()));
  CudaLibrary library;
  library.device_count =
      reinterpret_cast<decltype(library.device_count)>(dlsym(handle, "morph_cuda_device_count"));
  library.runtime =
      reinterpret_cast<decltype(library.runtime)>(dlsym(handle, "morph_cuda_runtime"));
  if (library.device_count == nullptr || library.runtime == nullptr) {
    throw Error(cat("device cuda: ", path, " is not morphnet's CUDA library"));
  }
  return library;
}

const CudaLibrary& cuda_library() {
  static const CudaLibrary library = load_cuda_library();
  return library;
}

/// The 1 of "cuda:1"; 0 for "cuda".
int cuda_index(const std::string& name) {
  constexpr std::string_view kPrefix = "cuda:";
  if (name == "cuda") return 0;
  const std::string number = name.substr(kPrefix.size());
  const int64_t index = parse_int(number, cat("device ", name));
  if (index < 0 || index > 127) throw Error(cat("device ", name, ": no such GPU"));
  return static_cast<int>(index);
}

}  // namespace

std::string explain_load_failure(const std::string& library, const std::string& loader_message) {
  const std::string missing = loader_message.substr(0, loader_message.find(':'));
  const bool not_found = loader_message.find("No such file") != std::string::npos;
  if (not_found && missing == library) {
    return cat("device cuda: ",
               library,
               " was not built (the build makes it where it finds nvcc and a LibTorch with CUDA); "
               "install the CUDA toolkit and build again, or use --device cpu");
  }
  if (not_found) {
    return cat("device cuda: ",
               missing,
               " is missing; install LibTorch's CUDA libraries beside it: pip install torch, with "
               "its dependencies and of the version built with");
  }
  return cat("device cuda: ", library, " does not load: ", loader_message);
}

void exit_program(int code) {
  std::cout.flush();
  std::cerr.flush();
  std::_Exit(code);
}

c10::Device open_device(const std::string& name) {
  if (name == "cpu") return c10::Device(c10::kCPU);
  if (name != "cuda" && !name.starts_with("cuda:")) {
    throw Error(cat("device '", name, "' is unknown; there are cpu, cuda and cuda:N"));
  }
  const int index = cuda_index(name);
  const int count = cuda_library().device_count();
  if (count == 0) {
    throw Error(cat("device ",
                    name,
                    ": no GPU is visible; nvidia-smi shows whether the driver sees one, and "
                    "CUDA_VISIBLE_DEVICES may hide it"));
  }
  if (index >= count) {
    throw Error(cat("device ", name, ": there are ", count, " GPUs, cuda:0 to cuda:", count - 1));
  }
  if (cuda_library().runtime(index) == nullptr) {
    throw Error(cat("device ", name, ": the GPU does not start; see nvidia-smi"));
  }
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

CudaRuntime& cuda_runtime(c10::Device device) {
  MORPH_CHECK(device.is_cuda() && device.has_index());
  CudaRuntime* runtime = cuda_library().runtime(device.index());
  MORPH_CHECK(runtime != nullptr);
  return *runtime;
}

}  // namespace morph
