#pragma once

#include "morph/nn/kernels.h"

/// Kernels of the ops of ops/recurrent.h, for all_kernels().
namespace morph::kernels {

Kernel gru(const KernelSite& site);
Kernel lstm(const KernelSite& site);
Kernel rnn(const KernelSite& site);

}  // namespace morph::kernels
