#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "morph/ir/graph.h"

namespace morph {

/// A window that slides over the spatial axes of [N, C, …], as Conv and the pools do. One entry per
/// spatial axis.
struct Window {
  std::vector<int64_t> kernel = {};
  std::vector<int64_t> strides = {};
  std::vector<int64_t> dilations = {};
  std::vector<int64_t> pads_begin = {};  ///< `pads` or what `auto_pad` comes to.
  std::vector<int64_t> pads_end = {};
  std::vector<int64_t> output = {};  ///< How many places the window takes.
};

/// An attribute with `count` entries, each at least `least`, which they are where it is not stated;
/// small enough for sums to stay in 63 bits. Throws Error otherwise.
std::vector<int64_t> window_entries(const Node& node,
                                    const std::string& key,
                                    size_t count,
                                    int64_t least);

/// The attribute auto_pad. Throws Error if it has no meaning.
std::string checked_auto_pad(const Node& node);

/// The window of a node that reads a value of shape `input`, from the attributes strides, pads,
/// dilations, auto_pad and ceil_mode. With ceil_mode a last window may reach over the end, but not
/// start behind the input and its padding at the front. Throws Error if an attribute does not fit
/// or the window is larger than the padded input.
Window sliding_window(const Node& node, const Shape& input, const std::vector<int64_t>& kernel);

}  // namespace morph
