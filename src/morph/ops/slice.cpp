#include "morph/ops/slice.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "morph/base/error.h"
#include "morph/ops/id_tensor.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 4> kAttributes = {"axes", "ends", "starts", "steps"};

SliceRange resolved(int64_t size, int64_t start, int64_t end, int64_t step) {
  if (start < 0) start += size;
  if (end < 0) end += size;
  // Backwards the last position to stop before lies in front of position 0.
  const int64_t lowest_end = step > 0 ? 0 : -1;
  start = std::clamp<int64_t>(start, 0, step > 0 ? size : size - 1);
  end = std::clamp(end, lowest_end, step > 0 ? size : size - 1);
  const int64_t distance = step > 0 ? end - start : start - end;
  const int64_t stride = step > 0 ? step : -step;
  return {.start = start, .step = step, .count = distance <= 0 ? 0 : (distance - 1) / stride + 1};
}

void check_lengths(const Node& node, std::span<const std::vector<int64_t>> lists) {
  for (const std::vector<int64_t>& list : lists) {
    if (list.size() != lists[0].size() || list.empty()) {
      throw Error(cat(node.label(), " 'starts', 'ends', 'axes' and 'steps' must have one length"));
    }
  }
}

Shape slice_shape(const Node& node, std::span<const Shape> inputs) {
  Shape shape = inputs[0];
  for (const SliceRange& range : slice_ranges(node, shape)) {
    if (range.count == 0) {
      throw Error(cat(node.label(),
                      " takes nothing along axis ",
                      range.axis,
                      " of an input of shape ",
                      format_shape(inputs[0])));
    }
    shape[range.axis] = range.count;
  }
  return shape;
}

Channels slice_channels(const Node& node,
                        std::span<const ValueChannels> inputs,
                        ChannelFlow& flow) {
  Channels channels = inputs[0].channels;
  for (const SliceRange& range : slice_ranges(node, inputs[0].shape)) {
    if (!channels.varies_along(range.axis)) continue;
    if (range.step != 1) {
      flow.pin(inputs[0].channels.ids, cat("strided slice in '", node.name, "'"));
    }
    std::vector<int64_t> positions;
    for (int64_t i = 0; i < range.count; ++i) positions.push_back(range.start + i * range.step);
    channels = taken(channels, range.axis, positions);
  }
  return channels;
}

void slice_resize(Node& node, const Resize& change) {
  std::vector<int64_t> starts = node.ints("starts", {});
  std::vector<int64_t> ends = node.ints("ends", {});
  const std::vector<SliceRange> ranges = slice_ranges(node, change.old_inputs[0]);
  for (size_t i = 0; i < ranges.size(); ++i) {
    const std::vector<int64_t>& copies = change.input_copies[0].at(ranges[i].axis);
    if (is_unchanged(copies)) continue;
    MORPH_CHECK(ranges[i].step == 1);
    starts[i] = new_count(copies, 0, ranges[i].start);
    ends[i] = new_count(copies, 0, ranges[i].start + ranges[i].count);
  }
  node.attrs["starts"] = starts;
  node.attrs["ends"] = ends;
}

}  // namespace

std::vector<SliceRange> slice_ranges(const Node& node, const Shape& input) {
  const std::vector<int64_t> starts = node.ints("starts", {});
  std::vector<int64_t> all_axes(starts.size());
  std::iota(all_axes.begin(), all_axes.end(), 0);
  const std::array lists = {starts,
                            node.ints("ends", {}),
                            node.ints("axes", all_axes),
                            node.ints("steps", std::vector<int64_t>(starts.size(), 1))};
  check_lengths(node, lists);
  const auto& [_, ends, axes, steps] = lists;
  std::vector<SliceRange> ranges;
  std::vector<bool> seen(input.size(), false);
  for (size_t i = 0; i < starts.size(); ++i) {
    const size_t axis = data_axis(node, axes[i], input.size());
    if (seen[axis]) throw Error(cat(node.label(), " names axis ", axis, " twice"));
    seen[axis] = true;
    if (steps[i] == 0 || steps[i] == std::numeric_limits<int64_t>::min()) {
      throw Error(cat(node.label(), " attribute 'steps' must not hold ", steps[i]));
    }
    ranges.push_back(resolved(input[axis], starts[i], ends[i], steps[i]));
    ranges.back().axis = axis;
  }
  return ranges;
}

constinit const OpDef kSlice{
    .name = "Slice",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = slice_shape,
    .channels = slice_channels,
    .work = part_work,
    .resize = slice_resize,
};

}  // namespace morph
