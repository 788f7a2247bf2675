#include <algorithm>
#include <limits>

#include "morph/base/error.h"
#include "morph/ops/id_tensor.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 3> kAttributes = {"mode", "pads", "value"};

/// Positions added along one axis.
struct Margin {
  int64_t begin = 0;
  int64_t end = 0;

  bool is_empty() const { return begin == 0 && end == 0; }
};

std::vector<Margin> margins(const Node& node, size_t rank) {
  const std::vector<int64_t> pads = node.ints("pads", {});
  if (pads.size() != 2 * rank) {
    throw Error(cat(node.label(),
                    " attribute 'pads' must have ",
                    2 * rank,
                    " entries, a beginning and an end for each axis, got ",
                    pads.size()));
  }
  std::vector<Margin> result;
  for (size_t axis = 0; axis < rank; ++axis) {
    result.push_back({pads[axis], pads[axis + rank]});
    for (const int64_t count : {result.back().begin, result.back().end}) {
      if (count < 0 || count > std::numeric_limits<int32_t>::max()) {
        throw Error(cat(node.label(), " attribute 'pads' must not hold ", count));
      }
    }
  }
  if (!result[0].is_empty()) throw Error(cat(node.label(), " cannot pad axis 0, the batch"));
  return result;
}

bool adds_zeros(const Node& node) {
  return node.text("mode", "constant") == "constant" && node.number("value", 0) == 0;
}

Shape pad_shape(const Node& node, std::span<const Shape> inputs) {
  const std::string mode = node.text("mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "edge") {
    throw Error(
        cat(node.label(), " attribute 'mode' must be constant, reflect or edge, got '", mode, "'"));
  }
  node.number("value", 0);
  Shape shape = inputs[0];
  const std::vector<Margin> added = margins(node, shape.size());
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const auto [begin, end] = added[axis];
    if (mode == "reflect" && (begin >= shape[axis] || end >= shape[axis])) {
      throw Error(cat(node.label(),
                      " cannot reflect ",
                      std::max(begin, end),
                      " positions of axis ",
                      axis,
                      ", which has ",
                      shape[axis]));
    }
    shape[axis] += begin + end;
  }
  return shape;
}

/// The input position that shows up in a padded one, for modes that repeat the input.
int64_t source_position(int64_t position, int64_t size, const std::string& mode) {
  if (mode == "edge") return std::clamp<int64_t>(position, 0, size - 1);
  if (position < 0) return -position;
  return position < size ? position : 2 * (size - 1) - position;
}

Channels repeated_along(const Channels& channels,
                        size_t axis,
                        Margin margin,
                        const std::string& mode) {
  std::vector<int64_t> positions;
  const int64_t size = channels.extents[axis];
  for (int64_t i = -margin.begin; i < size + margin.end; ++i) {
    positions.push_back(source_position(i, size, mode));
  }
  return taken(channels, axis, positions);
}

/// Channels that hold the constant, in the extents of `like` on all axes but one.
Channels constant_channels(const Channels& like, size_t axis, int64_t count, ChannelFlow& flow) {
  std::vector<bool> others(like.extents.size(), true);
  others[axis] = false;
  return Channels::along(like.extents.size(), axis, flow.fresh(count))
      .expanded(like.extents, others);
}

Channels extended_along(const Channels& channels, size_t axis, Margin margin, ChannelFlow& flow) {
  std::vector<Channels> parts;
  if (margin.begin > 0) parts.push_back(constant_channels(channels, axis, margin.begin, flow));
  parts.push_back(channels);
  if (margin.end > 0) parts.push_back(constant_channels(channels, axis, margin.end, flow));
  return joined(parts, axis);
}

Channels pad_channels(const Node& node, std::span<const ValueChannels> inputs, ChannelFlow& flow) {
  const std::string mode = node.text("mode", "constant");
  Channels channels = inputs[0].channels;
  bool pinned = false;
  const std::vector<Margin> added = margins(node, channels.extents.size());
  for (size_t axis = 0; axis < added.size(); ++axis) {
    if (added[axis].is_empty() || !channels.varies_along(axis)) continue;
    channels = mode == "constant" ? extended_along(channels, axis, added[axis], flow)
                                  : repeated_along(channels, axis, added[axis], mode);
    pinned = pinned || !adds_zeros(node);
  }
  if (pinned) flow.pin(channels.ids, cat("padded along channels in '", node.name, "'"));
  return channels;
}

void pad_resize(Node& node, const Resize& change) {
  std::vector<int64_t> pads = node.ints("pads", {});
  const size_t rank = change.output_copies.size();
  for (size_t axis = 0; axis < rank; ++axis) {
    const std::vector<int64_t>& copies = change.output_copies[axis];
    if (is_unchanged(copies)) continue;
    const auto size = static_cast<int64_t>(copies.size());
    int64_t& begin = pads[axis];
    int64_t& end = pads[axis + rank];
    end = new_count(copies, size - end, size);
    begin = new_count(copies, 0, begin);
  }
  node.attrs["pads"] = pads;
}

}  // namespace

constinit const OpDef kPad{
    .name = "Pad",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = pad_shape,
    .channels = pad_channels,
    .work = uncounted_work,
    .resize = pad_resize,
};

}  // namespace morph
