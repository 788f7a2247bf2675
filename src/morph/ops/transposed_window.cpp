#include "morph/ops/transposed_window.h"

#include <algorithm>
#include <string>

#include "morph/base/error.h"
#include "morph/ops/window.h"

namespace morph {
namespace {

/// The output's extents where the node asks for them, or nothing.
Shape wanted_output(const Node& node, const Shape& spatial, const std::vector<int64_t>& strides) {
  const std::string auto_pad = node.text("auto_pad", "NOTSET");
  if (node.attrs.count("output_shape") != 0) {
    return window_entries(node, "output_shape", spatial.size(), 1);
  }
  if (auto_pad == "NOTSET" || auto_pad == "VALID") return {};
  Shape wanted;
  for (size_t i = 0; i < spatial.size(); ++i) wanted.push_back(spatial[i] * strides[i]);
  return wanted;
}

/// Cuts what is too much off both ends, half each; SAME_UPPER leaves the odd one to the end. What
/// is missing is added at the end.
void cut_to(const Shape& wanted, const std::string& auto_pad, TransposedWindow& window) {
  for (size_t i = 0; i < wanted.size(); ++i) {
    const int64_t total = window.output[i] - wanted[i];
    const int64_t half = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
    const int64_t begin = std::max<int64_t>(half, 0);
    window.cut_begin.push_back(begin);
    window.cut_end.push_back(total - begin);
  }
}

}  // namespace

TransposedWindow transposed_window(const Node& node,
                                   const Shape& input,
                                   const std::vector<int64_t>& kernel) {
  const Shape spatial(input.begin() + 2, input.end());
  const size_t rank = spatial.size();
  const std::string auto_pad = checked_auto_pad(node);
  TransposedWindow window{.strides = window_entries(node, "strides", rank, 1),
                          .dilations = window_entries(node, "dilations", rank, 1)};
  const std::vector<int64_t> pads = window_entries(node, "pads", 2 * rank, 0);
  const std::vector<int64_t> extra = window_entries(node, "output_padding", rank, 0);
  for (size_t i = 0; i < rank; ++i) {
    window.output.push_back((spatial[i] - 1) * window.strides[i] +
                            (kernel[i] - 1) * window.dilations[i] + 1 + extra[i]);
  }
  cut_to(wanted_output(node, spatial, window.strides), auto_pad, window);
  if (window.cut_begin.empty()) {
    window.cut_begin.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(rank));
    window.cut_end.assign(pads.begin() + static_cast<std::ptrdiff_t>(rank), pads.end());
  }
  for (size_t i = 0; i < rank; ++i) {
    window.output[i] -= window.cut_begin[i] + window.cut_end[i];
    window.cut_end[i] -= extra[i];
    if (window.output[i] < 1) {
      throw Error(cat(node.label(), " pads cut off the whole output along axis ", i + 2));
    }
  }
  return window;
}

}  // namespace morph
