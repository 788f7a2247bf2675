#include "morph/train/flat_parameters.h"

#include <algorithm>

#include <ATen/ops/as_strided.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include "morph/base/error.h"

namespace morph {
namespace {

// In floats: 64 bytes. Vectorised kernels like that best, and some of CUDA's fail with "misaligned
// address" where a tensor does not begin on 16 bytes.
constexpr int64_t kAlignment = 16;

int64_t aligned(int64_t offset) { return (offset + kAlignment - 1) / kAlignment * kAlignment; }

std::vector<int64_t> dense_strides(at::IntArrayRef sizes, at::MemoryFormat format) {
  const bool channels_last = sizes.size() == 4 && format == at::MemoryFormat::ChannelsLast;
  const std::vector<size_t> inner_to_outer =
      channels_last ? std::vector<size_t>{1, 3, 2, 0} : std::vector<size_t>{};
  std::vector<int64_t> strides(sizes.size());
  int64_t stride = 1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const size_t axis = channels_last ? inner_to_outer[i] : sizes.size() - 1 - i;
    strides[axis] = stride;
    stride *= sizes[axis];
  }
  return strides;
}

std::vector<std::string> batch_norm_scales(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) {
    if (node.op != "BatchNormalization" || !node.has_param("weight")) continue;
    const std::string& name = node.params.at("weight").tensor;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

}  // namespace

FlatParameters::FlatParameters(GraphModule& module, at::MemoryFormat format) : format_(format) {
  lay_out(module);
  const c10::NoGradGuard no_grad;
  const auto options = at::TensorOptions().dtype(at::kFloat).device(module.device());
  values_ = at::zeros({size_}, options);
  grads_ = at::zeros({size_}, options);
  for (const auto& [name, tensor] : tensors_) {
    const at::Tensor value = view(values_, name);
    value.copy_(tensor);
    tensor.set_data(value);
    tensor.mutable_grad() = view(grads_, name);
  }
}

void FlatParameters::lay_out(const GraphModule& module) {
  for (const auto& [name, tensor] : module.parameters()) {
    MORPH_CHECK(tensor.scalar_type() == at::kFloat);
    tensors_.emplace(name, tensor);
  }
  for (const std::string& name : batch_norm_scales(module.graph())) append(name);
  scales_end_ = size_;
  for (const auto& [name, tensor] : module.parameters()) {
    if (slices_.count(name) == 0) append(name);
  }
}

void FlatParameters::append(const std::string& name) {
  const int64_t size = tensors_.at(name).numel();
  slices_[name] = {.offset = aligned(size_), .size = size};
  size_ = aligned(size_) + size;
}

at::Tensor FlatParameters::view(const at::Tensor& flat, const std::string& name) const {
  const at::Tensor& tensor = tensors_.at(name);
  return at::as_strided(flat,
                        tensor.sizes(),
                        dense_strides(tensor.sizes(), format_),
                        flat.storage_offset() + slices_.at(name).offset);
}

void FlatParameters::zero_grads() {
  const c10::NoGradGuard no_grad;
  grads_.zero_();
}

at::MemoryFormat image_format(const GraphModule& module) {
  const bool channels_last = std::any_of(
      module.parameters().begin(), module.parameters().end(), [](const auto& parameter) {
        const at::Tensor& tensor = parameter.second;
        return !tensor.is_contiguous() && tensor.is_contiguous(at::MemoryFormat::ChannelsLast);
      });
  return channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
}

}  // namespace morph
