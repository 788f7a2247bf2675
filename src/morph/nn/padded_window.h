#pragma once

#include <cstdint>
#include <vector>

#include "morph/nn/kernels.h"
#include "morph/ops/window.h"

namespace morph {

/// The sliding window of a convolution or pooling node, and how LibTorch, which pads both ends of
/// an axis alike and knows no auto_pad, is made to do the same. One entry for each spatial axis.
struct PaddedWindow : Window {
  /// Padding at the end up to where the last window ends: more than pads_end if ceil_mode lets it
  /// hang over, below 0 if it ends inside the input.
  std::vector<int64_t> needed_end = {};

  /// True if LibTorch's own padding by pads_begin gives the node's output.
  bool is_symmetric() const;

  /// The same for LibTorch's pools, which pad by half a window at most.
  bool is_symmetric_pool() const;

  /// True if a window's positions lie apart along some axis.
  bool is_dilated() const;

  /// True if a window ends behind the node's padding.
  bool hangs_over() const;

  /// The padding that LibTorch's op is asked for: pads_begin if symmetric, else 0.
  std::vector<int64_t> implicit_pads() const;

  /// The padding at the end if it is put around the input beforehand: needed_end, or 0.
  std::vector<int64_t> explicit_end() const;
};

/// The window of a node that reads [N, C, spatial…].
PaddedWindow padded_window(const KernelSite& site, const std::vector<int64_t>& kernel);

/// The pads [begin, end] of each axis as constant_pad_nd() takes them: the last axis first.
std::vector<int64_t> innermost_first(const std::vector<int64_t>& begin,
                                     const std::vector<int64_t>& end);

}  // namespace morph
