#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"axes"};

/// The extents with 1 at the new axes, which are counted in the output.
Shape with_new_axes(const Node& node, const Shape& shape) {
  const std::vector<int64_t> axes = node.ints("axes", {});
  if (axes.empty()) throw Error(cat(node.label(), " needs the attribute 'axes'"));
  const size_t rank = shape.size() + axes.size();
  std::vector<bool> is_new(rank, false);
  for (const int64_t named : axes) {
    const size_t axis = data_axis(node, named, rank);
    if (is_new[axis]) throw Error(cat(node.label(), " names axis ", axis, " twice"));
    is_new[axis] = true;
  }
  Shape result;
  size_t next = 0;
  for (size_t axis = 0; axis < rank; ++axis) result.push_back(is_new[axis] ? 1 : shape[next++]);
  return result;
}

Shape unsqueeze_shape(const Node& node, std::span<const Shape> inputs) {
  return with_new_axes(node, inputs[0]);
}

Channels unsqueeze_channels(const Node& node, std::span<const ValueChannels> inputs, ChannelFlow&) {
  const Channels& channels = inputs[0].channels;
  return {.extents = with_new_axes(node, channels.extents),
          .ids = channels.ids,
          .is_open = channels.is_open};
}

}  // namespace

constinit const OpDef kUnsqueeze{
    .name = "Unsqueeze",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = unsqueeze_shape,
    .channels = unsqueeze_channels,
    .work = view_work,
    .resize = keep_attributes,
};

}  // namespace morph
