#include "morph/nn/recurrent_kernels.h"

#include <vector>

#include <ATen/ops/cat.h>
#include <ATen/ops/flip.h>
#include <ATen/ops/gru.h>
#include <ATen/ops/lstm.h>
#include <ATen/ops/rnn_relu.h>
#include <ATen/ops/rnn_tanh.h>
#include <ATen/ops/zeros.h>

#include "morph/base/error.h"
#include "morph/ops/recurrent.h"

namespace morph::kernels {
namespace {

/// LibTorch's arguments for a recurrence that starts from zero: for each direction input weights,
/// recurrent weights, and both biases, with the gates in its order.
struct Arguments {
  at::Tensor input;
  at::Tensor start;
  std::vector<at::Tensor> params = {};
  bool has_bias = false;
};

/// Rows of each gate of [G·H, …] in LibTorch's order; order[i] is ONNX's place of its gate i.
at::Tensor reordered(const at::Tensor& rows, const std::vector<int64_t>& order) {
  if (order.size() == 1) return rows;
  const std::vector<at::Tensor> gates = rows.chunk(static_cast<int64_t>(order.size()), 0);
  std::vector<at::Tensor> parts;
  for (const int64_t place : order) parts.push_back(gates[static_cast<size_t>(place)]);
  return at::cat(parts);
}

Arguments arguments(const KernelCall& call,
                    const Recurrence& size,
                    const std::vector<int64_t>& order) {
  const at::Tensor& x = call.input();
  Arguments result{.input = size.is_reversed ? at::flip(x, 1) : x,
                   .start = at::zeros({size.directions, x.size(0), size.hidden}, x.options())};
  const std::optional<at::Tensor> bias = call.optional_param("bias");
  result.has_bias = bias.has_value();
  for (int64_t i = 0; i < size.directions; ++i) {
    result.params.push_back(reordered(call.param("weight").select(0, i), order));
    result.params.push_back(reordered(call.param("recurrence").select(0, i), order));
    if (!bias) continue;
    for (const at::Tensor& half : bias->select(0, i).chunk(2, 0)) {
      result.params.push_back(reordered(half, order));
    }
  }
  return result;
}

/// [N, T, D·H] as [N, T, D, H], from the first step to the last.
at::Tensor states(const at::Tensor& output, const Recurrence& size) {
  const at::Tensor forward = size.is_reversed ? at::flip(output, 1) : output;
  return forward.reshape({output.size(0), output.size(1), size.directions, size.hidden});
}

/// What LibTorch's functions take behind the params: one layer, no dropout, batch first.
constexpr int64_t kLayers = 1;
constexpr double kDropout = 0;
constexpr bool kBatchFirst = true;

}  // namespace

Kernel gru(const KernelSite& site) {
  return [size = recurrence(site.node)](const KernelCall& call) {
    const Arguments given = arguments(call, size, {1, 0, 2});
    const auto result = at::gru(given.input,
                                given.start,
                                given.params,
                                given.has_bias,
                                kLayers,
                                kDropout,
                                call.training,
                                size.directions == 2,
                                kBatchFirst);
    return states(std::get<0>(result), size);
  };
}

Kernel lstm(const KernelSite& site) {
  return [size = recurrence(site.node)](const KernelCall& call) {
    const Arguments given = arguments(call, size, {0, 2, 3, 1});
    const std::vector<at::Tensor> start = {given.start, given.start};
    const auto result = at::lstm(given.input,
                                 start,
                                 given.params,
                                 given.has_bias,
                                 kLayers,
                                 kDropout,
                                 call.training,
                                 size.directions == 2,
                                 kBatchFirst);
    return states(std::get<0>(result), size);
  };
}

Kernel rnn(const KernelSite& site) {
  const std::string activation = site.node.text("activations", "Tanh");
  if (activation != "Tanh" && activation != "Relu") {
    throw Error(cat(site.node.label(), " has no activation '", activation, "'"));
  }
  return [size = recurrence(site.node), is_relu = activation == "Relu"](const KernelCall& call) {
    const Arguments given = arguments(call, size, {0});
    const auto run = [&](auto function) {
      return std::get<0>(function(given.input,
                                  given.start,
                                  given.params,
                                  given.has_bias,
                                  kLayers,
                                  kDropout,
                                  call.training,
                                  size.directions == 2,
                                  kBatchFirst));
    };
    const auto relu = [](auto&&... all) { return at::rnn_relu(all...); };
    const auto tanh = [](auto&&... all) { return at::rnn_tanh(all...); };
    return states(is_relu ? run(relu) : run(tanh), size);
  };
}

}  // namespace morph::kernels
