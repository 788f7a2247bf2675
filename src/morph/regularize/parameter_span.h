#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

namespace morph {

/// Several parameters seen as one vector, each in the order of its memory. Where they are views of
/// one buffer, as a Trainer lays them, they are read and their gradients written in place, with
/// whatever lies between them; otherwise they are copied end to end.
class ParameterSpan {
 public:
  /// Dense tensors of one type on one device. Handles on them are kept: assigning to .data is seen,
  /// putting other tensors in their place is not.
  explicit ParameterSpan(std::vector<at::Tensor> tensors);

  const std::vector<at::Tensor>& tensors() const { return tensors_; }

  /// Where each tensor begins in a vector.
  using Offsets = std::vector<int64_t>;

  /// All elements, copied end to end; differentiable.
  at::Tensor joined() const;
  const Offsets& joined_offsets() const { return joined_offsets_; }
  int64_t size() const { return size_; }

  /// A part of a buffer in which all tensors lie.
  struct InPlace {
    at::Tensor values = {};  ///< [extent], without autograd.
    Offsets offsets = {};    ///< In it.
  };
  /// Nothing if the tensors do not share a buffer.
  std::optional<InPlace> in_place() const;

  /// The gradients of what in_place() spans, if they lie in one buffer in the same arrangement.
  /// Gradients that are not there yet are made, of zeros.
  std::optional<at::Tensor> grads_in_place();

  /// Adds `part`, laid out by `offsets`, to the gradients, tensor by tensor.
  void add_to_grads(const at::Tensor& part, const Offsets& offsets);

  /// Copies `all`, laid out by `offsets`, into the tensors; at once if it is laid out as they are,
  /// with what lies between them.
  void set_values(const at::Tensor& all, const Offsets& offsets);

 private:
  /// Tensor i within a vector laid out by `offsets`.
  at::Tensor view(const at::Tensor& all, size_t i, const Offsets& offsets) const;

  std::vector<at::Tensor> tensors_;
  Offsets joined_offsets_;
  int64_t size_ = 0;
};

}  // namespace morph
