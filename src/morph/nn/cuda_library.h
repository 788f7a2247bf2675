#pragma once

#include "morph/nn/device.h"

/// What the CUDA library, libmorph_cuda.so, exports. open_device() loads it and looks these up by
/// name, so they are plain C functions and let no exception out.
extern "C" {

/// How many GPUs the driver shows; 0 without a driver.
int morph_cuda_device_count();

/// The runtime of GPU `index`, which lives until the process ends; nullptr if it does not start.
morph::CudaRuntime* morph_cuda_runtime(int index);
}
