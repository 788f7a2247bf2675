#include "morph/cli/device_name.h"

#include "morph/nn/device.h"

namespace morph {

std::string device_name(c10::Device device) {
  return device.is_cuda() ? cuda_runtime(device).device_name() : "CPU";
}

}  // namespace morph
