#pragma once

#include <cstdint>
#include <vector>

#include "morph/nn/kernels.h"

namespace morph {

/// How a convolution or pooling node moves its window, one entry for each spatial axis, with the
/// padding resolved to numbers.
struct WindowSpec {
  std::vector<int64_t> kernel = {};
  std::vector<int64_t> strides = {};
  std::vector<int64_t> dilations = {};
  std::vector<int64_t> pads_begin = {};
  std::vector<int64_t> pads_end = {};  ///< As the node says.
  std::vector<int64_t> needed_end =
      {};  ///< Up to the end of the last window: more than pads_end if
           ///< ceil_mode lets it hang over, below 0 if it ends inside.

  /// True if LibTorch's own padding, the same at both ends, gives the node's output.
  bool is_symmetric() const;

  /// needed_end, 0 where it is negative.
  std::vector<int64_t> reach_end() const;

  /// The padding that LibTorch's op is asked for: pads_begin if symmetric, else 0.
  std::vector<int64_t> implicit_pads() const;

  /// The padding to be put around the input beforehand, as constant_pad_nd() takes it; empty if
  /// symmetric.
  std::vector<int64_t> explicit_pads() const;
};

/// The window of a node whose value has shape [N, C, spatial…].
WindowSpec window_spec(const KernelSite& site);

/// [begin, end] of each axis as constant_pad_nd() takes it: the last axis first.
std::vector<int64_t> innermost_first(const std::vector<int64_t>& begin,
                                     const std::vector<int64_t>& end);

}  // namespace morph
