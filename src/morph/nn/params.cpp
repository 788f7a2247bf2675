#include "morph/nn/params.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <sstream>
#include <string_view>

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>
#include <c10/core/ScalarType.h>

#include "morph/base/error.h"
#include "morph/base/fnv.h"
#include "morph/base/random.h"
#include "morph/ops/opaque.h"

namespace morph {
namespace {

/// A seed for one tensor, so that a layer's start does not depend on the others.
uint64_t tensor_seed(uint64_t seed, std::string_view name) { return mix_seeds(seed, fnv1a(name)); }

/// The number of inputs that one output of a dense layer is the weighted sum of: [O, I] for Gemm,
/// [I, O] for MatMul.
double fan_in(const Node& node) {
  const Shape& weight = node.params.at("weight").shape;
  return static_cast<double>(node.op == "MatMul" ? weight[0] : weight[1]);
}

/// The number of outputs that one input of a convolution contributes to: of weight [O, I / group,
/// k…], or [I, O / group, k…] for ConvTranspose.
double fan_out(const Node& node) {
  const Shape& weight = node.params.at("weight").shape;
  if (node.op == "ConvTranspose") return static_cast<double>(element_count(weight) / weight[0]);
  const double groups = static_cast<double>(node.integer("group", 1));
  return static_cast<double>(element_count(weight) / weight[1]) / groups;
}

/// Fills a tensor of `shape` with what `draw` returns.
template <typename Draw>
at::Tensor filled(const Shape& shape, const Draw& draw) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  float* values = tensor.mutable_data_ptr<float>();
  std::generate_n(values, tensor.numel(), draw);
  return tensor;
}

at::Tensor kaiming_normal(const Node& node, const Shape& shape, uint64_t seed) {
  const double deviation = std::sqrt(2.0 / fan_out(node));
  Random random(seed);
  return filled(shape, [&] {
    // Box and Muller 1958; 1 - u is never zero. Own arithmetic, so that a seed means the same with
    // every LibTorch and on every processor.
    const double radius = std::sqrt(-2.0 * std::log(1.0 - random.uniform()));
    const double angle = 2.0 * std::numbers::pi * random.uniform();
    return static_cast<float>(deviation * radius * std::cos(angle));
  });
}

at::Tensor uniform_by_fan_in(const Node& node, const Shape& shape, uint64_t seed) {
  const double bound = 1.0 / std::sqrt(fan_in(node));
  Random random(seed);
  return filled(shape, [&] { return static_cast<float>(bound * (2.0 * random.uniform() - 1.0)); });
}

/// As PyTorch does it.
at::Tensor uniform_by_hidden(const Node& node, const Shape& shape, uint64_t seed) {
  const double bound =
      1.0 / std::sqrt(static_cast<double>(node.params.at("recurrence").shape.back()));
  Random random(seed);
  return filled(shape, [&] { return static_cast<float>(bound * (2.0 * random.uniform() - 1.0)); });
}

at::Tensor zeros(const Node&, const Shape& shape, uint64_t) {
  return at::full(shape, 0, at::kFloat);
}

at::Tensor ones(const Node&, const Shape& shape, uint64_t) {
  return at::full(shape, 1, at::kFloat);
}

/// As in He et al. 2015, who introduced PReLU.
at::Tensor quarter(const Node&, const Shape& shape, uint64_t) {
  return at::full(shape, 0.25, at::kFloat);
}

/// What a Parameter or Constant says that it begins with.
at::Tensor stated(const Node& node, const Shape& shape, uint64_t) {
  if (node.op == "Constant" && node.attrs.count("initial") == 0) {
    throw Error(cat(node.label(),
                    " has a value that only a file with the network's weights knows; load them, or "
                    "state the attribute 'initial' if all its elements are one number"));
  }
  return at::full(shape, node.number("initial", 0), at::kFloat);
}

at::Tensor log_odds(const Node& node, const Shape& shape, uint64_t) {
  return at::full(shape, node.number("log_odds", 2.5), at::kFloat);
}

struct Initializer {
  std::string_view op;
  std::string_view slot;
  at::Tensor (*make)(const Node& node, const Shape& shape, uint64_t seed);
};

constexpr std::array kInitializers = {
    Initializer{"BatchNormalization", "weight", ones},
    Initializer{"BatchNormalization", "bias", zeros},
    Initializer{"BatchNormalization", "running_mean", zeros},
    Initializer{"BatchNormalization", "running_var", ones},
    Initializer{"Constant", "value", stated},
    Initializer{"Conv", "weight", kaiming_normal},
    Initializer{"Conv", "bias", zeros},
    Initializer{"ConvTranspose", "weight", kaiming_normal},
    Initializer{"ConvTranspose", "bias", zeros},
    Initializer{"GRU", "bias", uniform_by_hidden},
    Initializer{"GRU", "recurrence", uniform_by_hidden},
    Initializer{"GRU", "weight", uniform_by_hidden},
    Initializer{"Gemm", "weight", uniform_by_fan_in},
    Initializer{"Gemm", "bias", uniform_by_fan_in},
    Initializer{"GroupNormalization", "weight", ones},
    Initializer{"GroupNormalization", "bias", zeros},
    Initializer{"InstanceNormalization", "weight", ones},
    Initializer{"InstanceNormalization", "bias", zeros},
    Initializer{"LSTM", "bias", uniform_by_hidden},
    Initializer{"LSTM", "recurrence", uniform_by_hidden},
    Initializer{"LSTM", "weight", uniform_by_hidden},
    Initializer{"LayerNormalization", "weight", ones},
    Initializer{"LayerNormalization", "bias", zeros},
    Initializer{"LogisticGate", "logits", log_odds},
    Initializer{"LogisticGate", "noise", zeros},
    Initializer{"LogisticGate", "step", zeros},
    Initializer{"MatMul", "weight", uniform_by_fan_in},
    Initializer{"RNN", "bias", uniform_by_hidden},
    Initializer{"RNN", "recurrence", uniform_by_hidden},
    Initializer{"RNN", "weight", uniform_by_hidden},
    Initializer{"PRelu", "slope", quarter},
    Initializer{"Parameter", "value", stated},
};

const Initializer& initializer(const Node& node, const std::string& slot) {
  const auto it = std::ranges::find_if(kInitializers, [&](const Initializer& entry) {
    return entry.op == node.op && entry.slot == slot;
  });
  if (it == kInitializers.end()) {
    throw Error(cat(node.label(), " has no rule for initial values of its param '", slot, "'"));
  }
  return *it;
}

Shape shape_of(const at::Tensor& tensor) {
  return Shape(tensor.sizes().begin(), tensor.sizes().end());
}

void check_param(const Node& node, const Param& param, const at::Tensor& value) {
  const std::string place = cat(node.label(), " tensor '", param.tensor, "'");
  if (!value.defined()) throw Error(cat(place, " is undefined"));
  if (!at::isFloatingType(value.scalar_type())) {
    throw Error(cat(place, " must be of a floating type, got ", value.dtype()));
  }
  if (value.sizes() != at::IntArrayRef(param.shape)) {
    throw Error(cat(place,
                    " must have shape ",
                    format_shape(param.shape),
                    ", got ",
                    format_shape(shape_of(value)),
                    "; are these the weights of another network?"));
  }
}

at::Tensor cut(const std::string& name, const Slice& slice, const at::Tensor& source) {
  at::Tensor result = source.detach();
  if (slice.keep.size() > static_cast<size_t>(result.dim())) {
    throw Error(cat("cannot cut '",
                    name,
                    "' out of '",
                    slice.source,
                    "': it has rank ",
                    result.dim(),
                    ", expected ",
                    slice.keep.size()));
  }
  for (size_t axis = 0; axis < slice.keep.size(); ++axis) {
    if (!slice.keep[axis]) continue;
    const std::vector<int64_t>& kept = *slice.keep[axis];
    const int64_t size = result.size(static_cast<int64_t>(axis));
    if (std::ranges::any_of(kept, [&](int64_t i) { return i < 0 || i >= size; })) {
      throw Error(cat("cannot cut '",
                      name,
                      "' out of '",
                      slice.source,
                      "': axis ",
                      axis,
                      " has only ",
                      size,
                      " positions"));
    }
    const at::Tensor positions = at::tensor(kept, at::kLong).to(result.device());
    result = at::index_select(result, static_cast<int64_t>(axis), positions);
  }
  return result.clone(at::MemoryFormat::Contiguous);
}

}  // namespace

Params initial_params(const Graph& graph, uint64_t seed) {
  Params params;
  for (const Node& node : graph.nodes()) {
    for (const auto& [slot, param] : node.params) {
      if (params.count(param.tensor) != 0) continue;
      if (is_opaque(node)) {
        params[param.tensor] = zeros(node, param.shape, seed);
        continue;
      }
      const uint64_t own_seed = tensor_seed(seed, param.tensor);
      params[param.tensor] = initializer(node, slot).make(node, param.shape, own_seed);
    }
  }
  return params;
}

void check_params(const Graph& graph, const Params& params) {
  for (const Node& node : graph.nodes()) {
    for (const auto& [slot, param] : node.params) {
      const auto it = params.find(param.tensor);
      if (it == params.end()) {
        throw Error(cat(node.label(),
                        " tensor '",
                        param.tensor,
                        "' of shape ",
                        format_shape(param.shape),
                        " is missing among the weights"));
      }
      check_param(node, param, it->second);
    }
  }
}

std::string fingerprint(const Params& params) {
  uint64_t hash = fnv1a("");
  for (const auto& [name, tensor] : params) {
    const at::Tensor values = tensor.detach().to(at::kCPU).contiguous();
    hash = fnv1a(name, hash);
    hash = fnv1a({static_cast<const char*>(values.const_data_ptr()), values.nbytes()}, hash);
  }
  std::ostringstream text;
  text << std::hex << hash;
  return text.str();
}

Params apply(const SlicePlan& plan, const Params& params) {
  Params result;
  for (const auto& [name, slice] : plan) {
    const auto it = params.find(slice.source);
    if (it == params.end()) {
      throw Error(
          cat("cannot cut '", name, "': '", slice.source, "' is missing among the weights"));
    }
    result[name] = cut(name, slice, it->second);
  }
  return result;
}

}  // namespace morph
