#include "morph/ops/rules.h"

#include <algorithm>
#include <numeric>

#include "morph/base/error.h"

namespace morph {

Shape same_shape(const Node&, std::span<const Shape> inputs) { return inputs[0]; }

Channels same_channels(const Node&, std::span<const ValueChannels> inputs, ChannelFlow&) {
  return inputs[0].channels;
}

void pin_single_elsewhere(const Node& node,
                          const Channels& channels,
                          size_t axis,
                          ChannelFlow& flow) {
  if (channels.ids.size() > 1 || axis == 1) return;
  flow.pin(channels.ids, cat("a single channel on axis ", axis, " of '", node.name, "'"));
}

Work uncounted_work(const Node&, std::span<const Shape>) { return {}; }

Work view_work(const Node&, std::span<const Shape>) { return {.is_view = true}; }

Work part_work(const Node&, std::span<const Shape>) { return {.is_part = true}; }

void keep_attributes(Node&, const Resize&) {}

size_t data_axis(const Node& node, int64_t axis, size_t rank) {
  const auto signed_rank = static_cast<int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) {
    throw Error(cat(node.label(), " axis ", axis, " is outside an input of rank ", rank));
  }
  const int64_t from_front = axis < 0 ? axis + signed_rank : axis;
  if (from_front == 0) {
    throw Error(cat(node.label(), " axis 0 is the batch, which stays as it is; name another axis"));
  }
  return static_cast<size_t>(from_front);
}

void check_param(const Node& node, const std::string& slot, const Shape& expected) {
  const auto it = node.params.find(slot);
  if (it == node.params.end() || it->second.shape == expected) return;
  throw Error(cat(node.label(),
                  " expected '",
                  slot,
                  "' of shape ",
                  format_shape(expected),
                  ", got ",
                  format_shape(it->second.shape)));
}

void check_rank(const Node& node, const Shape& input, size_t least, size_t most) {
  if (input.size() >= least && input.size() <= most) return;
  const std::string expected = least == most        ? cat(least)
                               : most == kAnyNumber ? cat(least, " or more")
                                                    : cat(least, " to ", most);
  throw Error(
      cat(node.label(), " expected an input of rank ", expected, ", got rank ", input.size()));
}

void set_integer(Node& node, const std::string& key, int64_t value, int64_t fallback) {
  if (value == fallback) {
    node.attrs.erase(key);
  } else {
    node.attrs[key] = std::vector<int64_t>{value};
  }
}

bool is_unchanged(const std::vector<int64_t>& copies) {
  return std::all_of(copies.begin(), copies.end(), [](int64_t count) { return count == 1; });
}

int64_t new_count(const std::vector<int64_t>& copies, int64_t begin, int64_t end) {
  return std::accumulate(copies.begin() + begin, copies.begin() + end, int64_t{0});
}

double elements_per_position(const Shape& shape, size_t axis) {
  double count = 1;
  for (size_t i = 1; i < shape.size(); ++i) {
    if (i != axis) count *= static_cast<double>(shape[i]);
  }
  return count;
}

}  // namespace morph
