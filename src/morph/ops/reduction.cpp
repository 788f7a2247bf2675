#include "morph/ops/reduction.h"

#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

enum class Removed { kReadsAsZero, kChangesTheResult };

/// Channels without the reduced axes, along which they do not vary, if the node drops these.
Channels without_axes(const Node& node, const Channels& channels, const std::vector<bool>& axes) {
  if (node.integer("keepdims", 1) != 0) return channels;
  Channels result = channels;
  result.extents.clear();
  for (size_t axis = 0; axis < axes.size(); ++axis) {
    if (!axes[axis]) result.extents.push_back(channels.extents[axis]);
  }
  return result;
}

/// A single channel is taken to lie on axis 1.
bool holds_channels(const ValueChannels& input, size_t axis) {
  return input.channels.varies_along(axis) ||
         (axis == 1 && input.shape[1] == 1 && input.channels.ids.size() == 1);
}

Channels channels_after(const Node& node,
                        const ValueChannels& input,
                        Removed removed,
                        ChannelFlow& flow) {
  const std::vector<bool> axes = reduced_axes(node, input.shape.size());
  bool any_reduced = false;
  bool any_kept = false;
  for (size_t axis = 0; axis < axes.size(); ++axis) {
    any_reduced = any_reduced || (axes[axis] && holds_channels(input, axis));
    any_kept = any_kept || (!axes[axis] && input.channels.varies_along(axis));
  }
  if (!any_reduced || any_kept) {
    return without_axes(node, flow.merged(input.channels, axes), axes);
  }
  if (removed == Removed::kReadsAsZero) {
    flow.reads(input.channels.ids);
  } else {
    flow.pin(input.channels.ids, cat(node.op, " over channels in '", node.name, "'"));
  }
  return Channels::uniform(node.shape.size(), flow.fresh(1)[0]);
}

}  // namespace

std::vector<bool> reduced_axes(const Node& node, size_t rank) {
  std::vector<bool> axes(rank, false);
  const std::vector<int64_t> named = node.ints("axes", {});
  for (const int64_t axis : named) axes[data_axis(node, axis, rank)] = true;
  if (named.empty() && node.integer("noop_with_empty_axes", 0) == 0) {
    throw Error(
        cat(node.label(),
            " without 'axes' reduces all of them, and axis 0 is the batch, which stays as it "
            "is; name the others"));
  }
  return axes;
}

Shape reduced_shape(const Node& node, std::span<const Shape> inputs) {
  const Shape& x = inputs[0];
  const std::vector<bool> axes = reduced_axes(node, x.size());
  const bool keeps = node.integer("keepdims", 1) != 0;
  Shape shape;
  for (size_t axis = 0; axis < axes.size(); ++axis) {
    if (!axes[axis]) {
      shape.push_back(x[axis]);
    } else if (keeps) {
      shape.push_back(1);
    }
  }
  return shape;
}

Channels summed_channels(const Node& node,
                         std::span<const ValueChannels> inputs,
                         ChannelFlow& flow) {
  return channels_after(node, inputs[0], Removed::kReadsAsZero, flow);
}

Channels reduced_channels(const Node& node,
                          std::span<const ValueChannels> inputs,
                          ChannelFlow& flow) {
  return channels_after(node, inputs[0], Removed::kChangesTheResult, flow);
}

}  // namespace morph
