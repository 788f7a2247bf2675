#include "morph/nn/kernels.h"

#include <algorithm>
#include <array>

#include "morph/base/error.h"

namespace morph {
namespace {

constexpr std::array kKernels = {
    KernelEntry{"Add", kernels::add},
    KernelEntry{"AveragePool", kernels::average_pool},
    KernelEntry{"BatchNormalization", kernels::batch_normalization},
    KernelEntry{"Clip", kernels::clip},
    KernelEntry{"Concat", kernels::concat},
    KernelEntry{"Conv", kernels::conv},
    KernelEntry{"Dropout", kernels::dropout},
    KernelEntry{"Flatten", kernels::reshape},
    KernelEntry{"Gemm", kernels::gemm},
    KernelEntry{"GlobalAveragePool", kernels::global_average_pool},
    KernelEntry{"HardSigmoid", kernels::hard_sigmoid},
    KernelEntry{"HardSwish", kernels::hard_swish},
    KernelEntry{"Identity", kernels::identity},
    KernelEntry{"Input", kernels::identity},
    KernelEntry{"LeakyRelu", kernels::leaky_relu},
    KernelEntry{"MaxPool", kernels::max_pool},
    KernelEntry{"Mul", kernels::mul},
    KernelEntry{"Pad", kernels::pad},
    KernelEntry{"Relu", kernels::relu},
    KernelEntry{"Reshape", kernels::reshape},
    KernelEntry{"Sigmoid", kernels::sigmoid},
    KernelEntry{"Slice", kernels::slice},
    KernelEntry{"Softmax", kernels::softmax},
    KernelEntry{"Tanh", kernels::tanh},
    KernelEntry{"Transpose", kernels::transpose},
};

}  // namespace

std::optional<at::Tensor> KernelCall::optional_param(const std::string& slot) const {
  const auto it = params.find(slot);
  if (it == params.end()) return std::nullopt;
  return it->second;
}

std::span<const KernelEntry> all_kernels() { return kKernels; }

Kernel make_kernel(const KernelSite& site) {
  const auto it = std::ranges::find(kKernels, site.node.op, &KernelEntry::op);
  if (it == kKernels.end()) throw Error(cat(site.node.label(), " this op cannot be run"));
  return it->make(site);
}

}  // namespace morph
