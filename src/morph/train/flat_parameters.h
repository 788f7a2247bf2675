#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include <ATen/core/Tensor.h>
#include <c10/core/MemoryFormat.h>

#include "morph/nn/graph_module.h"

namespace morph {

/// Where a tensor lies in the flat buffers.
struct FlatSlice {
  int64_t offset = 0;
  int64_t size = 0;
};

/// All trainable tensors of a network as views of one buffer, and their gradients as views of
/// another, so that a step of an optimizer is a few tensor operations whatever the depth of the
/// network. The scales of BatchNormalization nodes come first. Every tensor begins on a multiple of
/// 64 bytes, and the gaps stay 0.
///
/// backward() without create_graph adds into a gradient that is there in place, so the views hold
/// for as many steps as wanted, provided that nobody replaces a parameter's .grad.
class FlatParameters {
 public:
  /// Moves the values of `module`'s trainable tensors (float, on one device) into the buffer and
  /// makes the tensors views of it, those of rank 4 with the memory order of `format`; all handles
  /// on them stay good. Gradients become 0.
  FlatParameters(GraphModule& module, at::MemoryFormat format);

  const at::Tensor& values() const { return values_; }  ///< Float [n].
  const at::Tensor& grads() const { return grads_; }    ///< Float [n].

  /// The scales of all BatchNormalization nodes, in the order of the nodes, and the gaps between
  /// them; a view.
  at::Tensor scales() const { return values_.narrow(0, 0, scales_end_); }

  /// By name of the tensor.
  const std::map<std::string, FlatSlice>& slices() const { return slices_; }

  /// The part of `flat` (values(), grads() or another tensor of that size) that belongs to the
  /// tensor called `name`, as a view with the tensor's shape and memory order.
  at::Tensor view(const at::Tensor& flat, const std::string& name) const;

  void zero_grads();

 private:
  void lay_out(const GraphModule& module);
  void append(const std::string& name);

  at::MemoryFormat format_;
  std::map<std::string, at::Tensor> tensors_;
  std::map<std::string, FlatSlice> slices_;
  int64_t scales_end_ = 0;
  int64_t size_ = 0;
  at::Tensor values_;
  at::Tensor grads_;
};

/// The memory order that the 4-d weights of `module` are in, and so the one to give images in.
at::MemoryFormat image_format(const GraphModule& module);

}  // namespace morph
