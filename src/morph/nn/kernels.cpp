#include "morph/nn/kernels.h"

#include <algorithm>
#include <array>

#include "morph/base/error.h"
#include "morph/nn/recurrent_kernels.h"
#include "morph/ops/opaque.h"

namespace morph {
namespace {

Kernel opaque(const KernelSite& site) {
  return [what = describe_opaque(site.node)](const KernelCall&) -> at::Tensor {
    throw Error(cat("the network cannot be run: it needs ", what));
  };
}

constexpr std::array kKernels = {
    KernelEntry{"Abs", kernels::abs},
    KernelEntry{"Add", kernels::add},
    KernelEntry{"AveragePool", kernels::average_pool},
    KernelEntry{"BatchNormalization", kernels::batch_normalization},
    KernelEntry{"Ceil", kernels::ceil},
    KernelEntry{"Celu", kernels::celu},
    KernelEntry{"Clip", kernels::clip},
    KernelEntry{"Concat", kernels::concat},
    KernelEntry{"Constant", kernels::constant},
    KernelEntry{"Conv", kernels::conv},
    KernelEntry{"ConvTranspose", kernels::conv_transpose},
    KernelEntry{"Cos", kernels::cos},
    KernelEntry{"DepthToSpace", kernels::depth_to_space},
    KernelEntry{"Div", kernels::div},
    KernelEntry{"Dropout", kernels::dropout},
    KernelEntry{"Elu", kernels::elu},
    KernelEntry{"Erf", kernels::erf},
    KernelEntry{"Exp", kernels::exp},
    KernelEntry{"Expand", kernels::expand},
    KernelEntry{"Flatten", kernels::reshape},
    KernelEntry{"Floor", kernels::floor},
    KernelEntry{"GRU", kernels::gru},
    KernelEntry{"Gather", kernels::gather},
    KernelEntry{"Gelu", kernels::gelu},
    KernelEntry{"Gemm", kernels::gemm},
    KernelEntry{"GlobalAveragePool", kernels::global_average_pool},
    KernelEntry{"GlobalMaxPool", kernels::global_max_pool},
    KernelEntry{"GroupNormalization", kernels::group_normalization},
    KernelEntry{"HardSigmoid", kernels::hard_sigmoid},
    KernelEntry{"HardSwish", kernels::hard_swish},
    KernelEntry{"Identity", kernels::identity},
    KernelEntry{"Input", kernels::identity},
    KernelEntry{"InstanceNormalization", kernels::instance_normalization},
    KernelEntry{"LRN", kernels::lrn},
    KernelEntry{"LSTM", kernels::lstm},
    KernelEntry{"LayerNormalization", kernels::layer_normalization},
    KernelEntry{"LeakyRelu", kernels::leaky_relu},
    KernelEntry{"Log", kernels::log},
    KernelEntry{"LogSoftmax", kernels::log_softmax},
    KernelEntry{"LogisticGate", kernels::logistic_gate},
    KernelEntry{"LpNormalization", kernels::lp_normalization},
    KernelEntry{"MatMul", kernels::mat_mul},
    KernelEntry{"Max", kernels::max},
    KernelEntry{"MaxPool", kernels::max_pool},
    KernelEntry{"Mean", kernels::mean},
    KernelEntry{"Min", kernels::min},
    KernelEntry{"Mish", kernels::mish},
    KernelEntry{"Mul", kernels::mul},
    KernelEntry{"Neg", kernels::neg},
    KernelEntry{"Opaque", opaque},
    KernelEntry{"PRelu", kernels::p_relu},
    KernelEntry{"Pad", kernels::pad},
    KernelEntry{"Parameter", kernels::constant},
    KernelEntry{"Pow", kernels::pow},
    KernelEntry{"RNN", kernels::rnn},
    KernelEntry{"Reciprocal", kernels::reciprocal},
    KernelEntry{"ReduceL2", kernels::reduce_l2},
    KernelEntry{"ReduceMax", kernels::reduce_max},
    KernelEntry{"ReduceMean", kernels::reduce_mean},
    KernelEntry{"ReduceMin", kernels::reduce_min},
    KernelEntry{"ReduceSum", kernels::reduce_sum},
    KernelEntry{"Relu", kernels::relu},
    KernelEntry{"Reshape", kernels::reshape},
    KernelEntry{"Resize", kernels::resize},
    KernelEntry{"Selu", kernels::selu},
    KernelEntry{"Sigmoid", kernels::sigmoid},
    KernelEntry{"Sin", kernels::sin},
    KernelEntry{"Slice", kernels::slice},
    KernelEntry{"Softmax", kernels::softmax},
    KernelEntry{"Softplus", kernels::softplus},
    KernelEntry{"Softsign", kernels::softsign},
    KernelEntry{"SpaceToDepth", kernels::space_to_depth},
    KernelEntry{"Sqrt", kernels::sqrt},
    KernelEntry{"Squeeze", kernels::reshape},
    KernelEntry{"Sub", kernels::sub},
    KernelEntry{"Sum", kernels::add},
    KernelEntry{"Swish", kernels::swish},
    KernelEntry{"Tanh", kernels::tanh},
    KernelEntry{"Tile", kernels::tile},
    KernelEntry{"Transpose", kernels::transpose},
    KernelEntry{"Unsqueeze", kernels::reshape},
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
