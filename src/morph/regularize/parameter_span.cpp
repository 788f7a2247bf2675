#include "morph/regularize/parameter_span.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/as_strided.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>

#include "morph/base/error.h"

namespace morph {
namespace {

/// Where tensors lie in the buffer that they are views of.
struct Arrangement {
  int64_t begin = 0;
  int64_t end = 0;
  ParameterSpan::Offsets offsets = {};  // From `begin`.

  bool operator==(const Arrangement&) const = default;
};

template <typename TensorOf>
std::optional<Arrangement> arrangement(const std::vector<at::Tensor>& tensors, TensorOf tensor_of) {
  const at::Tensor& first = tensor_of(tensors.front());
  Arrangement result{.begin = first.storage_offset(), .end = first.storage_offset()};
  for (const at::Tensor& tensor : tensors) {
    const at::Tensor& part = tensor_of(tensor);
    if (!part.is_alias_of(first) || part.strides() != tensor.strides()) return std::nullopt;
    result.begin = std::min(result.begin, part.storage_offset());
    result.end = std::max(result.end, part.storage_offset() + part.numel());
    result.offsets.push_back(part.storage_offset());
  }
  for (int64_t& offset : result.offsets) offset -= result.begin;
  return result;
}

at::Tensor whole(const at::Tensor& part, const Arrangement& place) {
  return part.detach().as_strided({place.end - place.begin}, {1}, place.begin);
}

}  // namespace

at::Tensor ParameterSpan::view(const at::Tensor& all, size_t i, const Offsets& offsets) const {
  return all.as_strided(
      tensors_[i].sizes(), tensors_[i].strides(), all.storage_offset() + offsets[i]);
}

ParameterSpan::ParameterSpan(std::vector<at::Tensor> tensors) : tensors_(std::move(tensors)) {
  for (const at::Tensor& tensor : tensors_) {
    MORPH_CHECK(tensor.is_non_overlapping_and_dense());
    joined_offsets_.push_back(size_);
    size_ += tensor.numel();
  }
}

at::Tensor ParameterSpan::joined() const {
  std::vector<at::Tensor> parts;
  for (const at::Tensor& tensor : tensors_) {
    parts.push_back(tensor.dim() == 1
                        ? tensor
                        : at::as_strided(tensor, {tensor.numel()}, {1}, tensor.storage_offset()));
  }
  return at::cat(parts);
}

std::optional<ParameterSpan::InPlace> ParameterSpan::in_place() const {
  const auto itself = [](const at::Tensor& tensor) -> const at::Tensor& { return tensor; };
  const std::optional<Arrangement> place = arrangement(tensors_, itself);
  if (!place) return std::nullopt;
  return InPlace{.values = whole(tensors_.front(), *place), .offsets = place->offsets};
}

std::optional<at::Tensor> ParameterSpan::grads_in_place() {
  const at::NoGradGuard no_grad;
  for (at::Tensor& tensor : tensors_) {
    if (!tensor.grad().defined()) tensor.mutable_grad() = at::zeros_like(tensor);
  }
  const auto itself = [](const at::Tensor& tensor) -> const at::Tensor& { return tensor; };
  const auto grad = [](const at::Tensor& tensor) -> const at::Tensor& { return tensor.grad(); };
  const std::optional<Arrangement> values = arrangement(tensors_, itself);
  const std::optional<Arrangement> grads = arrangement(tensors_, grad);
  if (!values || !grads || values->offsets != grads->offsets) return std::nullopt;
  return whole(tensors_.front().grad(), *grads);
}

void ParameterSpan::set_values(const at::Tensor& all, const Offsets& offsets) {
  const at::NoGradGuard no_grad;
  const std::optional<InPlace> place = in_place();
  if (place && place->offsets == offsets && place->values.numel() == all.numel()) {
    place->values.copy_(all);
    return;
  }
  for (size_t i = 0; i < tensors_.size(); ++i) tensors_[i].copy_(view(all, i, offsets));
}

void ParameterSpan::add_to_grads(const at::Tensor& part, const Offsets& offsets) {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    at::Tensor& tensor = tensors_[i];
    const at::Tensor own = view(part, i, offsets);
    if (tensor.grad().defined()) {
      tensor.grad().add_(own);
    } else {
      tensor.mutable_grad() = own.clone();
    }
  }
}

}  // namespace morph
