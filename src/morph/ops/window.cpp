#include "morph/ops/window.h"

#include <algorithm>
#include <limits>
#include <string>

#include "morph/base/error.h"

namespace morph {
namespace {

int64_t reach(const Window& window, size_t axis) {
  return (window.kernel[axis] - 1) * window.dilations[axis] + 1;
}

void set_pads(Window& window, const Node& node, const Shape& spatial) {
  const size_t rank = spatial.size();
  const std::string auto_pad = checked_auto_pad(node);
  if (auto_pad != "NOTSET" && node.attrs.count("pads") != 0) {
    throw Error(cat(node.label(), " states both 'pads' and auto_pad = ", auto_pad));
  }
  const std::vector<int64_t> pads = window_entries(node, "pads", 2 * rank, 0);
  const auto middle = pads.begin() + static_cast<std::ptrdiff_t>(rank);
  window.pads_begin.assign(pads.begin(), middle);
  window.pads_end.assign(middle, pads.end());
  if (auto_pad == "NOTSET" || auto_pad == "VALID") return;
  for (size_t i = 0; i < rank; ++i) {
    const int64_t places = (spatial[i] + window.strides[i] - 1) / window.strides[i];
    const int64_t total =
        std::max<int64_t>((places - 1) * window.strides[i] + reach(window, i) - spatial[i], 0);
    window.pads_begin[i] = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
    window.pads_end[i] = total - window.pads_begin[i];
  }
}

int64_t place_count(const Window& window, const Node& node, int64_t size, size_t axis) {
  const int64_t padded = size + window.pads_begin[axis] + window.pads_end[axis];
  const int64_t room = padded - reach(window, axis);
  if (room < 0) {
    throw Error(cat(node.label(),
                    " the window reaches over ",
                    reach(window, axis),
                    " positions but the padded input has ",
                    padded,
                    " on axis ",
                    axis + 2));
  }
  const int64_t stride = window.strides[axis];
  const bool round_up = node.integer("ceil_mode", 0) != 0;
  const int64_t places = (round_up ? room + stride - 1 : room) / stride + 1;
  const bool last_starts_behind = (places - 1) * stride >= size + window.pads_begin[axis];
  return round_up && last_starts_behind ? places - 1 : places;
}

}  // namespace

std::vector<int64_t> window_entries(const Node& node,
                                    const std::string& key,
                                    size_t count,
                                    int64_t least) {
  std::vector<int64_t> values = node.ints(key, std::vector<int64_t>(count, least));
  if (values.size() != count) {
    throw Error(cat(
        node.label(), " attribute '", key, "' must have ", count, " entries, got ", values.size()));
  }
  for (const int64_t value : values) {
    if (value < least || value > std::numeric_limits<int32_t>::max()) {
      throw Error(
          cat(node.label(), " attribute '", key, "' must be at least ", least, ", got ", value));
    }
  }
  return values;
}

std::string checked_auto_pad(const Node& node) {
  const std::string auto_pad = node.text("auto_pad", "NOTSET");
  for (const char* known : {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"}) {
    if (auto_pad == known) return auto_pad;
  }
  throw Error(cat(node.label(),
                  " auto_pad must be NOTSET, VALID, SAME_UPPER or SAME_LOWER, got '",
                  auto_pad,
                  "'"));
}

Window sliding_window(const Node& node, const Shape& input, const std::vector<int64_t>& kernel) {
  MORPH_CHECK(input.size() > 2);
  const Shape spatial(input.begin() + 2, input.end());
  if (kernel.size() != spatial.size()) {
    throw Error(cat(node.label(),
                    " expected a window over ",
                    spatial.size(),
                    " spatial axes, got ",
                    kernel.size()));
  }
  Window window{.kernel = kernel,
                .strides = window_entries(node, "strides", spatial.size(), 1),
                .dilations = window_entries(node, "dilations", spatial.size(), 1)};
  set_pads(window, node, spatial);
  for (size_t i = 0; i < spatial.size(); ++i) {
    window.output.push_back(place_count(window, node, spatial[i], i));
  }
  return window;
}

}  // namespace morph
