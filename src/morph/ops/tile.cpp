#include <limits>

#include "morph/base/error.h"
#include "morph/ops/id_tensor.h"
#include "morph/ops/rules.h"
#include "morph/ops/widening.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"repeats"};

std::vector<int64_t> repeats(const Node& node, size_t rank) {
  const std::vector<int64_t> counts = node.ints("repeats", {});
  if (counts.size() != rank) {
    throw Error(cat(node.label(),
                    " attribute 'repeats' must have an entry for each of the ",
                    rank,
                    " axes, got ",
                    counts.size()));
  }
  for (const int64_t count : counts) {
    if (count < 1 || count > std::numeric_limits<int32_t>::max()) {
      throw Error(cat(node.label(), " attribute 'repeats' must be at least 1, got ", count));
    }
  }
  if (counts[0] != 1) throw Error(cat(node.label(), " cannot repeat axis 0, the batch"));
  return counts;
}

Shape tile_shape(const Node& node, std::span<const Shape> inputs) {
  Shape shape = inputs[0];
  const std::vector<int64_t> counts = repeats(node, shape.size());
  for (size_t axis = 0; axis < shape.size(); ++axis) shape[axis] *= counts[axis];
  return shape;
}

Channels tile_channels(const Node& node, std::span<const ValueChannels> inputs, ChannelFlow& flow) {
  const auto& [shape, input] = inputs[0];
  Channels channels = widened_channels(inputs[0], node.shape, flow);
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (!input.varies_along(axis)) continue;
    std::vector<int64_t> positions;
    for (int64_t i = 0; i < node.shape[axis]; ++i) positions.push_back(i % shape[axis]);
    channels = taken(channels, axis, positions);
  }
  return channels;
}

/// Repeated channels leave with those they repeat; only a single one is repeated less often.
void tile_resize(Node& node, const Resize& change) {
  std::vector<int64_t> counts = node.ints("repeats", {});
  for (size_t axis = 0; axis < counts.size(); ++axis) {
    counts[axis] = change.new_output[axis] / change.new_inputs[0][axis];
  }
  node.attrs["repeats"] = counts;
}

}  // namespace

constinit const OpDef kTile{
    .name = "Tile",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = tile_shape,
    .channels = tile_channels,
    .work = uncounted_work,
    .resize = tile_resize,
};

}  // namespace morph
