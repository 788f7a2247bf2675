#pragma once

#include <cstdint>
#include <vector>

#include "morph/ops/op_def.h"

namespace morph {

/// The weight of a convolution, of either direction.
struct Filters {
  int64_t inputs = 0;   ///< Channels of all groups.
  int64_t outputs = 0;  ///< Channels of all groups.
  int64_t groups = 1;
  std::vector<int64_t> kernel = {};  ///< One size for each spatial axis.

  int64_t inputs_per_group() const { return inputs / groups; }
  int64_t outputs_per_group() const { return outputs / groups; }

  /// Each filter reads one channel alone. With a single channel there is no telling apart.
  bool is_depthwise() const { return groups > 1 && inputs == groups; }
};

/// The filters of a Conv, whose weight is [O, I / group, kernel…]. Throws Error if weight, group
/// and kernel_shape do not fit each other.
Filters conv_filters(const Node& node);

/// The filters of a ConvTranspose, whose weight is [I, O / group, kernel…].
Filters transposed_filters(const Node& node);

/// Throws Error unless `input` is a value [N, I, spatial…] for these filters.
void check_filtered(const Node& node, const Filters& filters, const Shape& input);

/// One of `ids` may only go together with those at its place in the other groups.
void tie_groups(const std::vector<ChannelId>& ids, int64_t groups, ChannelFlow& flow);

/// Each of `ids` so many times in a row: output channel i·m + j of a depthwise op is input i.
std::vector<ChannelId> each_repeated(const std::vector<ChannelId>& ids, int64_t times);

/// The work of a convolution whose kernel is laid on so many places.
Work filters_work(const Node& node, const Filters& filters, double places);

}  // namespace morph
