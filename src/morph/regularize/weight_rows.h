#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "morph/regularize/parameter_span.h"

namespace morph {

/// Where in one weight its output channels are. Element p of its memory (strides as they are)
/// belongs to row  (p / stride) mod extent  of its group, which is the index along axis 0 divided
/// by what a group has of it.
struct WeightRows {
  int64_t size = 0;          ///< Elements.
  int64_t stride = 1;        ///< Of the axis of output channels.
  int64_t extent = 1;        ///< Output channels in a group.
  int64_t groups = 1;        ///< More than one for a grouped ConvTranspose alone.
  int64_t group_stride = 1;  ///< Elements from the first of one group to the first of the next.
  int64_t first_gate = 0;

  int64_t gates() const { return extent * groups; }

  bool operator==(const WeightRows&) const = default;
};

/// Sums over the weights of each output channel of all layers at once, and the way back from one
/// number per channel to one per weight. Where a channel's weights lie in long runs these are
/// summed as segments; where they are strewn, as in a weight [in, out], each is added on its own.
class RowSums {
 public:
  /// `offsets` says where each weight begins in a vector of `extent` elements; what lies between
  /// them belongs to no channel.
  RowSums(const std::vector<WeightRows>& weights,
          const ParameterSpan::Offsets& offsets,
          int64_t extent,
          const at::Tensor& like);

  /// [extent] to [gates].
  at::Tensor sum(const at::Tensor& elements) const;

  /// [gates] to [extent], `elsewhere` where there is no channel.
  at::Tensor spread(const at::Tensor& by_gate, double elsewhere) const;

  const at::Tensor& counts() const { return counts_; }  ///< [gates]: weights of each channel.

 private:
  int64_t gates_ = 0;
  at::Tensor run_begins_;       // Long [runs + 1].
  at::Tensor gate_of_run_;      // Int [runs]; `gates` for what belongs to none.
  at::Tensor strewn_;           // Int [strewn]: elements of channels without long runs.
  at::Tensor gate_of_strewn_;   // Int [strewn].
  at::Tensor gate_of_element_;  // Int [extent].
  at::Tensor counts_;
};

}  // namespace morph
