#pragma once

#include <string>

#include <c10/core/Device.h>

namespace morph {

/// What a run writes down of where it ran: "CPU", or the GPU's name by its driver.
std::string device_name(c10::Device device);

}  // namespace morph
