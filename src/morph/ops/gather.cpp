#include "morph/ops/gather.h"

#include <algorithm>

#include "morph/base/error.h"
#include "morph/ops/id_tensor.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 3> kAttributes = {"axis", "indices", "indices_shape"};

/// The shape of the indices: a list of them, unless the node says otherwise. [] is a single index,
/// whose axis is dropped.
Shape indices_shape(const Node& node) {
  const auto count = static_cast<int64_t>(node.ints("indices", {}).size());
  Shape shape = node.ints("indices_shape", {count});
  if (element_count(shape) != count) {
    throw Error(cat(node.label(),
                    " attribute 'indices_shape' = ",
                    format_shape(shape),
                    " does not hold ",
                    count,
                    " indices"));
  }
  return shape;
}

Shape gather_shape(const Node& node, std::span<const Shape> inputs) {
  const Shape& x = inputs[0];
  const auto axis = static_cast<std::ptrdiff_t>(gathered_positions(node, x).axis);
  const Shape indices = indices_shape(node);
  Shape shape(x.begin(), x.begin() + axis);
  shape.insert(shape.end(), indices.begin(), indices.end());
  shape.insert(shape.end(), x.begin() + axis + 1, x.end());
  return shape;
}

/// How many axes the channels vary along.
int64_t count_axes(const Channels& channels) {
  return std::ranges::count_if(channels.extents, [](int64_t extent) { return extent > 1; });
}

/// An index that drops its axis picks a channel out, which cannot be widened. Of channels along
/// several axes, as (3, C) of packed attention, those at one place of the others go together
/// instead, so that the axis keeps its positions.
Channels gather_channels(const Node& node,
                         std::span<const ValueChannels> inputs,
                         ChannelFlow& flow) {
  const auto& [shape, channels] = inputs[0];
  const auto& [axis, positions] = gathered_positions(node, shape);
  const bool drops_axis = channels.varies_along(axis) && indices_shape(node).empty();
  Channels read = channels;
  if (drops_axis && count_axes(channels) > 1) {
    std::vector<bool> dropped(shape.size(), false);
    dropped[axis] = true;
    read = flow.merged(channels, dropped);
  }
  const bool varies = read.varies_along(axis);
  const Channels picked =
      taken(read, axis, varies ? positions : std::vector<int64_t>(positions.size(), 0));
  if (varies && drops_axis) {
    flow.pin(picked.ids, cat("a channel picked out in '", node.name, "'"));
  }
  Shape picked_shape = shape;
  picked_shape[axis] = static_cast<int64_t>(positions.size());
  return reinterpreted(picked, picked_shape, node.shape);
}

/// Old positions become the new ones that come from them.
void gather_resize(Node& node, const Resize& change) {
  const auto& [axis, positions] = gathered_positions(node, change.old_inputs[0]);
  const std::vector<int64_t>& copies = change.input_copies[0].at(axis);
  if (is_unchanged(copies)) return;
  std::vector<int64_t> indices;
  for (const int64_t position : positions) {
    const int64_t first = new_count(copies, 0, position);
    for (int64_t i = 0; i < copies[static_cast<size_t>(position)]; ++i)
      indices.push_back(first + i);
  }
  node.attrs["indices"] = indices;
  if (node.attrs.count("indices_shape") == 0) return;
  const auto begin = change.new_output.begin() + static_cast<std::ptrdiff_t>(axis);
  const auto rank = static_cast<std::ptrdiff_t>(node.ints("indices_shape", {}).size());
  node.attrs["indices_shape"] = Shape(begin, begin + rank);
}

}  // namespace

GatheredPositions gathered_positions(const Node& node, const Shape& input) {
  GatheredPositions result{.axis = data_axis(node, node.integer("axis", 0), input.size()),
                           .positions = node.ints("indices", {})};
  if (result.positions.empty()) throw Error(cat(node.label(), " needs the attribute 'indices'"));
  const int64_t size = input[result.axis];
  for (int64_t& position : result.positions) {
    if (position < -size || position >= size) {
      throw Error(cat(
          node.label(), " index ", position, " is outside axis ", result.axis, " of size ", size));
    }
    if (position < 0) position += size;
  }
  return result;
}

/// With constant indices, which ONNX has as an input, as attributes.
constinit const OpDef kGather{
    .name = "Gather",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = gather_shape,
    .channels = gather_channels,
    .work = part_work,
    .resize = gather_resize,
};

}  // namespace morph
